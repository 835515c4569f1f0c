// Eigen maps of tensors and of parameters: the numbers stay where they are, and what is written to a map is in the
// tensor. Not part of fovea.hpp; link fovea::eigen, or have <Eigen/Core> on the include path.
//
//   auto m = as_matrix(y);                                   // (N H W, C), one row a pixel
//   Eigen::MatrixXf gram = m.transpose() * m;                // (C, C)
//   values_as_matrix(p) -= 1e-3f * gradients_as_matrix(p);   // (O, I K K), one row an output channel
//
// A view of constants gives a map of constants. Where the channels are part of the view's type, they are part of the
// map's. Gaps are respected: rows of an image may lie apart in memory, and a map of several rows is refused, by an error
// that names the distance, where no matrix can have it. A map is valid as long as what it maps.
#pragma once
#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

#include <Eigen/Core>

#include "fovea/core/error.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea {

namespace detail {

// A matrix of one column is a vector to Eigen: its order is by columns and the distance of its rows an inner stride.
template <class T, int Columns>
using eigen_matrix =
    Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Columns, Columns == 1 ? Eigen::ColMajor : Eigen::RowMajor>;
template <class T, int Columns> struct eigen_map_of {
    static_assert(std::is_arithmetic_v<T>,
                  "Eigen maps are of integers and of float or double; convert 16-bit floats first");
    using matrix = std::conditional_t<std::is_const_v<T>, const eigen_matrix<T, Columns>, eigen_matrix<T, Columns>>;
    using stride = std::conditional_t<Columns == 1, Eigen::InnerStride<>, Eigen::OuterStride<>>;
    using type = Eigen::Map<matrix, Eigen::Unaligned, stride>;
};

} // namespace detail

// A matrix of `Columns` columns (Eigen::Dynamic: known at run time) whose rows lie at equal distances in memory.
template <class T, int Columns = Eigen::Dynamic> using matrix_map = typename detail::eigen_map_of<T, Columns>::type;

namespace detail {

template <int Columns, class T>
matrix_map<T, Columns> map_rows(T* data, Eigen::Index rows, Eigen::Index columns, std::ptrdiff_t distance) {
    using stride = typename eigen_map_of<T, Columns>::stride;
    return matrix_map<T, Columns>(data, rows, columns, stride(distance));
}
template <int Channels> inline constexpr int columns_of = Channels == dynamic_channels ? int(Eigen::Dynamic) : Channels;

// The distance from each pixel of a view to the next, of which there must be one alone.
template <class T, int Channels> std::ptrdiff_t pixel_distance(tensor_view<T, Channels> v) {
    const std::ptrdiff_t channels = v.channels();
    if (v.batch() == 0 || v.height() == 0 || v.width() == 0) return channels;
    const bool one_row = v.height() == 1, one_column = v.width() == 1;
    const std::ptrdiff_t in_row = one_column ? v.row_stride() : channels;
    const std::ptrdiff_t pixel = one_row && one_column ? v.image_stride() : in_row;
    if (!one_row && v.row_stride() != v.width() * pixel)
        fail("as_matrix: the rows of this view lie ", v.row_stride(), " numbers apart: expected ", v.width() * pixel,
             "; as_matrix(view, image, row) maps one row of any view");
    if (v.batch() > 1 && v.image_stride() != pixel * v.width() * v.height())
        fail("as_matrix: the images of this view lie ", v.image_stride(), " numbers apart: expected ",
             pixel * v.width() * v.height(), "; as_matrix(view, image, row) maps one row of any view");
    return pixel;
}

} // namespace detail

// All pixels of a view as the rows of a matrix, (N H W, C). Images, and rows of an image, must follow each other without
// a gap, as they do in a `tensor`; else an error.
template <class T, int Channels> auto as_matrix(tensor_view<T, Channels> v) {
    return detail::map_rows<detail::columns_of<Channels>>(v.data(), Eigen::Index(v.batch()) * v.height() * v.width(),
                                                          v.channels(), detail::pixel_distance(v));
}
// The pixels of one row of an image, (W, C), of any view.
template <class T, int Channels> auto as_matrix(tensor_view<T, Channels> v, int image, int row) {
    if (image < 0 || image >= v.batch() || row < 0 || row >= v.height())
        fail("as_matrix: row ", row, " of image ", image, ": expected one of ", v.height(), " rows of ", v.batch(),
             " images");
    return detail::map_rows<detail::columns_of<Channels>>(v.at(image, row, 0), v.width(), v.channels(), v.channels());
}
// One image of any view with a matrix row for each of its rows, (H, W C).
template <class T, int Channels> auto as_rows(tensor_view<T, Channels> v, int image) {
    if (image < 0 || image >= v.batch()) fail("as_rows: image ", image, ": expected one of ", v.batch(), " images");
    return detail::map_rows<Eigen::Dynamic>(v.at(image, 0, 0), v.height(), Eigen::Index(v.width()) * v.channels(),
                                            v.row_stride());
}

// The same of a tensor.
template <class T> auto as_matrix(tensor<T>& t) { return as_matrix(t.view()); }
template <class T> auto as_matrix(const tensor<T>& t) { return as_matrix(t.view()); }
template <class T> auto as_matrix(tensor<T>& t, int image, int row) { return as_matrix(t.view(), image, row); }
template <class T> auto as_matrix(const tensor<T>& t, int image, int row) { return as_matrix(t.view(), image, row); }
template <class T> auto as_rows(tensor<T>& t, int image) { return as_rows(t.view(), image); }
template <class T> auto as_rows(const tensor<T>& t, int image) { return as_rows(t.view(), image); }
template <class T, class... Place> void as_matrix(const tensor<T>&&, Place...) = delete; // the map would outlive it
template <class T> void as_rows(const tensor<T>&&, int) = delete;

// A weight with its gradient, such as a `parameter` of a network that learns: dims is (out, in/groups, kernel, kernel).
template <class P>
concept weight_with_gradient = requires(const P& p) {
    { p.name } -> std::convertible_to<std::string_view>;
    { p.dims[3] } -> std::convertible_to<int>;
    requires std::is_arithmetic_v<std::remove_cvref_t<decltype(*p.value)>>;
    requires std::same_as<decltype(p.value), decltype(p.gradient)>;
};

namespace detail {

template <weight_with_gradient P> auto map_weight(const P& p, decltype(P::value) numbers) {
    const Eigen::Index columns = Eigen::Index(p.dims[1]) * p.dims[2] * p.dims[3];
    return map_rows<Eigen::Dynamic>(numbers, p.dims[0], columns, columns);
}
template <weight_with_gradient P> auto gradient_of(const P& p) {
    if (!p.gradient) fail(p.name, ": has no gradient: expected a parameter that is trained, and no buffer");
    return p.gradient;
}

} // namespace detail

// A weight, and its gradient, with a matrix row for each output channel: (O, I K K), I being the inputs of one group;
// (n, 1) for a bias.
template <weight_with_gradient P> auto values_as_matrix(const P& p) { return detail::map_weight(p, p.value); }
template <weight_with_gradient P> auto gradients_as_matrix(const P& p) {
    return detail::map_weight(p, detail::gradient_of(p));
}

} // namespace fovea
