// Eigen's tensors as maps of ours, in four dimensions: (N,H,W,C) of activations, (O,I,K,K) of weights, row-major, no copy.
// Apart from eigen.hpp because Eigen has its tensors among the unsupported modules, and they take longer to compile.
#pragma once
#include <unsupported/Eigen/CXX11/Tensor>

#include "fovea/tensor/eigen.hpp"

namespace fovea {

// T may be const.
template <class T>
using tensor_map =
    Eigen::TensorMap<std::conditional_t<std::is_const_v<T>,
                                        const Eigen::Tensor<std::remove_const_t<T>, 4, Eigen::RowMajor, Eigen::Index>,
                                        Eigen::Tensor<T, 4, Eigen::RowMajor, Eigen::Index>>>;

// (N,H,W,C). Eigen's maps have no strides: a view whose rows or images lie apart is an error.
template <class T, int Channels> tensor_map<T> as_tensor(tensor_view<T, Channels> v) {
    static_assert(std::is_arithmetic_v<T>,
                  "Eigen maps are of integers and of float or double; convert 16-bit floats first");
    const std::ptrdiff_t row = std::ptrdiff_t(v.width()) * v.channels(), image = row * v.height();
    if ((v.height() > 1 && v.row_stride() != row) || (v.batch() > 1 && v.image_stride() != image))
        fail("as_tensor: rows and images of this view lie ", v.row_stride(), " and ", v.image_stride(),
             " numbers apart: expected ", row, " and ", image,
             "; as_matrix(view, image, row) maps one row of any view");
    return tensor_map<T>(v.data(), v.batch(), v.height(), v.width(), v.channels());
}
template <class T> auto as_tensor(tensor<T>& t) { return as_tensor(t.view()); }
template <class T> auto as_tensor(const tensor<T>& t) { return as_tensor(t.view()); }
template <class T> void as_tensor(const tensor<T>&&) = delete; // the map would outlive it

namespace detail {

template <weight_with_gradient P> auto tensor_of_weight(const P& p, decltype(P::value) numbers) {
    return tensor_map<std::remove_pointer_t<decltype(P::value)>>(numbers, p.dims[0], p.dims[1], p.dims[2], p.dims[3]);
}

} // namespace detail

// (O,I,K,K), I being the inputs of one group; (n,1,1,1) for a bias.
template <weight_with_gradient P> auto values_as_tensor(const P& p) { return detail::tensor_of_weight(p, p.value); }
template <weight_with_gradient P> auto gradients_as_tensor(const P& p) {
    return detail::tensor_of_weight(p, detail::gradient_of(p));
}

} // namespace fovea
