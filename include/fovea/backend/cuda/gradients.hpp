// The backward passes of all operations as GPU kernels; backend/cuda/operations.hpp has the forward passes.
#pragma once
#include "fovea/backend/cuda/convolution_gradient.hpp"
#include "fovea/backend/cuda/normalise_gradient.hpp"
#include "fovea/backend/cuda/operations.hpp"
#include "fovea/backend/cuda/resize_gradient.hpp"

namespace fovea {

namespace detail {

// Launches a kernel with a thread for each number of the input gradients.
template <class Device, class F> void launch_gradient(const gradient_call& c, const F& f) {
    const int channels = c.dx[0] ? c.dx[0].channels : c.dx[1].channels;
    launch<Device>(c, value_kernel<F>(c, channels, f));
}
// Launches sums over pixels; `scratch` has the bytes of scratch_of_sums(), or is null.
template <class Device, class F>
void launch_sums(const gradient_call& c, range channels, const F& f, int parts = 1, void* scratch = nullptr) {
    const channel_sums<F> k(c, channels, f, parts, scratch);
    launch<Device>(c, k);
    if (k.strip_sums) launch<Device>(c, add_strips<F>{k});
}
template <class Device> void launch_bias_gradient(const gradient_call& c) {
    if (float* db = c.weight_gradient<float>(1))
        launch_sums<Device>(c, c.outputs, bias_gradient{device_view(c.dy), db}, 1, c.scratch);
}
inline double pixels_of(const gradient_call& c, const window& w) {
    return double(c.images.size()) * w.height * w.width;
}
template <class F> std::size_t scratch_of_sums(const gradient_call& c, int parts = 1) {
    return channel_sums<F>::scratch_for(pixels_of(c, c.dy), c.dy.channels, parts);
}
template <class Device> void launch_weight_gradient(const gradient_call& c) {
    const weight_gradient_kernel k(c);
    launch<Device>(c, k);
    if (k.sums) launch<Device>(c, add_parts(k));
    launch_bias_gradient<Device>(c);
}
inline std::size_t scratch_of_weight_gradient(const gradient_call& c) {
    return std::max(weight_gradient_kernel::scratch_for(pixels_of(c, c.dy), count(c.dims)),
                    scratch_of_sums<bias_gradient>(c)); // one after the other, so the larger counts
}
inline std::size_t bytes_of_moments(const gradient_call& c) { // two floats for each pixel
    return std::size_t(pixels_of(c, c.dy)) * 2 * sizeof(float);
}
// Extends the call to all pixels of a window.
inline gradient_call over(gradient_call c, const window& w) {
    c.rows = {0, w.height}, c.cols = {0, w.width};
    return c;
}

} // namespace detail

// ---- convolutions ----------------------------------------------------------------------------------------------
template <class D> void prepare(on_device<D>, turned_filters, const preparation_call& c) {
    detail::launch_preparation<D>(c.queue, arrange_filters(c, true));
}
template <class D> std::size_t prepared_bytes(on_device<D>, turned_filters, const preparation_call& c) {
    return count(c.dims[0]) * bytes_of(c.format);
}

template <class D> turned_filters gradient_layout_of(on_device<D>, conv2d<identity>);
template <class D> void input_gradient(on_device<D>, conv2d<identity>, const gradient_call& c) {
    detail::launch_convolution<D>(c);
}
template <class D> std::size_t weight_gradient_scratch(on_device<D>, conv2d<identity>, const gradient_call& c) {
    return detail::scratch_of_weight_gradient(c);
}
template <class D> void weight_gradient(on_device<D>, conv2d<identity>, const gradient_call& c) {
    detail::launch_weight_gradient<D>(c);
}

template <class D> turned_filters gradient_layout_of(on_device<D>, depthwise_conv2d<identity>);
template <class D> void input_gradient(on_device<D>, depthwise_conv2d<identity>, const gradient_call& c) {
    detail::launch_depthwise<D>(c);
}
template <class D>
std::size_t weight_gradient_scratch(on_device<D>, depthwise_conv2d<identity>, const gradient_call& c) {
    return detail::scratch_of_sums<depthwise_weight_gradient>(c, c.a.kernel * c.a.kernel);
}
template <class D> void weight_gradient(on_device<D>, depthwise_conv2d<identity>, const gradient_call& c) {
    detail::launch_sums<D>(c, c.outputs, depthwise_weight_gradient(c), c.a.kernel * c.a.kernel, c.scratch);
    detail::launch_bias_gradient<D>(c);
}

template <class D> turned_filters gradient_layout_of(on_device<D>, multiply_matrix);
template <class D> void input_gradient(on_device<D>, multiply_matrix, const gradient_call& c) {
    detail::launch_convolution<D>(c);
}
template <class D> std::size_t weight_gradient_scratch(on_device<D>, multiply_matrix, const gradient_call& c) {
    return detail::scratch_of_weight_gradient(c);
}
template <class D> void weight_gradient(on_device<D>, multiply_matrix, const gradient_call& c) {
    detail::launch_weight_gradient<D>(c);
}

template <class D> void gradient(on_device<D>, normalise_weight, const preparation_gradient_call& c) {
    detail::launch_preparation<D>(c.forward.queue, normalised_weight_gradient(c));
}

// ---- element-wise operations -----------------------------------------------------------------------------------
template <class D, class A> void input_gradient(on_device<D>, activate<A>, const gradient_call& c) {
    const device_view x(c.x[0]), dy(c.dy);
    const gradient_target to(c, 0);
    if constexpr (fused_on_device<A>)
        detail::launch_gradient<D>(c, activate_gradient<device_slope>{x, dy, to, {A::kind, A::slope}});
    else
        detail::launch_gradient<D>(c, activate_gradient<custom_slope<A>>{x, dy, to, {}});
}
template <class D> void input_gradient(on_device<D>, parametric_relu, const gradient_call& c) {
    detail::launch_gradient<D>(
        c, rectify_gradient{device_view(c.x[0]), device_view(c.dy), c.weight<float>(0), gradient_target(c, 0)});
}
template <class D> void weight_gradient(on_device<D>, parametric_relu, const gradient_call& c) {
    detail::launch_sums<D>(c, {0, c.dy.channels},
                           slope_gradient{device_view(c.x[0]), device_view(c.dy), c.weight_gradient<float>(0)});
}
template <class D> void input_gradient(on_device<D>, multiply, const gradient_call& c) {
    detail::launch_gradient<D>(c, multiply_gradient{device_view(c.x[0]), device_view(c.x[1]), device_view(c.dy),
                                                    gradient_target(c, 0), gradient_target(c, 1)});
}
template <class D> void input_gradient(on_device<D>, concatenate, const gradient_call& c) {
    const int first = c.dy.channels - (c.dx[1] ? c.dx[1].channels : 0);
    const concatenate_gradient f{device_view(c.dy), gradient_target(c, 0), gradient_target(c, 1),
                                 c.dx[0] ? c.dx[0].channels : first};
    detail::launch<D>(c, value_kernel<concatenate_gradient>(c, c.dy.channels, f));
}

// ---- normalisations --------------------------------------------------------------------------------------------
template <class D> void input_gradient(on_device<D>, layer_normalise, const gradient_call& c) {
    detail::launch<D>(c, layer_gradient_kernel(c, nullptr));
}
template <class D> std::size_t weight_gradient_scratch(on_device<D>, layer_normalise, const gradient_call& c) {
    return detail::bytes_of_moments(c) + detail::scratch_of_sums<layer_weight_gradient>(c);
}
template <class D> void weight_gradient(on_device<D>, layer_normalise, const gradient_call& c) {
    auto* const moments = reinterpret_cast<float*>(c.scratch); // (pixels, 2)
    detail::launch<D>(c, layer_gradient_kernel(c, moments));
    detail::launch_sums<D>(
        c, {0, c.dy.channels},
        layer_weight_gradient{device_view(c.x[0]), device_view(c.dy), moments, c.weight_gradient<float>(0),
                              c.weight_gradient<float>(1), device_area(c)},
        1, c.scratch + detail::bytes_of_moments(c));
}

template <class D> void batch_statistics(on_device<D>, batch_normalise, const gradient_call& c) {
    auto* const mean = static_cast<float*>(c.statistics);
    const gradient_call all = detail::over(c, c.x[0]);
    batch_moment moment{device_view(c.x[0]),          mean,       nullptr, c.weight_gradient<float>(2),
                        detail::pixels_of(c, c.x[0]), c.a.epsilon};
    detail::launch_sums<D>(all, c.outputs, moment);
    moment.inverse = mean + c.x[0].channels, moment.running = c.weight_gradient<float>(3);
    detail::launch_sums<D>(all, c.outputs, moment);
}
template <class D> void gradient_statistics(on_device<D>, batch_normalise, const gradient_call& c) {
    detail::launch_sums<D>(detail::over(c, c.dy), c.outputs,
                           batch_gradient_moments{device_view(c.x[0]), device_view(c.dy),
                                                  static_cast<float*>(c.statistics), detail::pixels_of(c, c.dy)});
}
template <class D> void input_gradient(on_device<D>, batch_normalise, const gradient_call& c) {
    const auto* of_batch = static_cast<const float*>(c.statistics);
    detail::launch_gradient<D>(c, batch_gradient{device_view(c.x[0]), device_view(c.dy), c.weight<float>(0),
                                                 of_batch ? of_batch + 2 * c.dy.channels : nullptr,
                                                 device_normaliser(c, c.dy.channels), gradient_target(c, 0)});
}
template <class D> void weight_gradient(on_device<D>, batch_normalise, const gradient_call& c) {
    detail::launch_sums<D>(
        c, {0, c.dy.channels},
        batch_weight_gradient{device_view(c.x[0]), device_view(c.dy), device_normaliser(c, c.dy.channels),
                              c.weight_gradient<float>(0), c.weight_gradient<float>(1)});
}

// ---- operations that change the size ---------------------------------------------------------------------------
template <class D> void input_gradient(on_device<D>, shuffle_pixels, const gradient_call& c) {
    detail::launch_gradient<D>(
        c, gather_gradient<shuffled_gradient>{{device_view(c.dy), c.a.factor}, gradient_target(c, 0)});
}
template <class D> void input_gradient(on_device<D>, magnify, const gradient_call& c) {
    detail::launch_gradient<D>(
        c, gather_gradient<magnified_gradient>{
               {device_view(c.dy), c.dx[0].height, c.dx[0].width, c.a.factor, c.a.filter}, gradient_target(c, 0)});
}
template <class D> void input_gradient(on_device<D>, pool_maximum, const gradient_call& c) {
    detail::launch_gradient<D>(c, gather_gradient<maximum_gradient>{maximum_gradient(c), gradient_target(c, 0)});
}
template <class D> void input_gradient(on_device<D>, pool_mean, const gradient_call& c) {
    const auto share = float(1 / (double(c.x[0].height) * c.x[0].width));
    detail::launch_gradient<D>(c, gather_gradient<mean_gradient>{{device_view(c.dy), share}, gradient_target(c, 0)});
}

} // namespace fovea
