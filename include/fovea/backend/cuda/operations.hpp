// The forward passes of all operations as GPU kernels. The tag's argument says where kernels run: on the GPU
// (engine/cuda/cuda.cuh), or as loops on the host, for tests. There is no fallback: an operation without a kernel here
// does not compile.
//
//   struct some_device {
//       template <class Kernel> static void launch(void* queue, const Kernel&, int blocks);
//       static device_limits limits();
//   };
#pragma once
#include "fovea/backend/cuda/activation.hpp"
#include "fovea/backend/cuda/arithmetic.hpp"
#include "fovea/backend/cuda/attention_branch.hpp"
#include "fovea/backend/cuda/convolution.hpp"
#include "fovea/backend/cuda/depthwise.hpp"
#include "fovea/backend/cuda/filters.hpp"
#include "fovea/backend/cuda/normalise.hpp"
#include "fovea/backend/cuda/resize.hpp"
#include "fovea/backend/cuda/weight_norm.hpp"
#include "fovea/graph/tracer.hpp"
#include "fovea/ops/arithmetic.hpp"
#include "fovea/ops/attention_branch.hpp"
#include "fovea/ops/conv2d.hpp"
#include "fovea/ops/normalise.hpp"
#include "fovea/ops/resize.hpp"

namespace fovea {

template <class Device> struct on_device {
    using storage = float;
    using device = Device;
};

// All kernels accept tensors of any format.
template <class D, class Op> constexpr void choose(on_device<D>, Op, convolution_method, operation& o) {
    o.takes_16_bits = true;
}
namespace detail {
constexpr void choose_convolution(convolution_method wanted, operation& o) {
    o.takes_16_bits = true;
    o.a.method = wanted == convolution_method::automatic ? convolution_method::library : convolution_method::direct;
}
} // namespace detail

namespace detail {

template <class Device, class Call, class Kernel> void launch(const Call& c, const Kernel& k) {
    if (const int blocks = k.blocks()) Device::launch(c.queue, k, blocks);
}
template <class Device, class Kernel> void launch_preparation(void* queue, const Kernel& k) {
    queue ? Device::launch(queue, k, k.blocks()) : run_blocks_on_host(k, k.blocks());
}
template <class Device, class F> void launch_values(const call& c, const F& f) {
    launch<Device>(c, value_kernel<F>(c, c.y.channels, f));
}

// Tiles of 64 outputs would leave most of a block idle if there are few outputs.
template <class Device, class Call> void launch_convolution(const Call& c) {
    convolution_problem(c).outputs > 16 ? launch<Device>(c, convolution_kernel<64>(c))
                                        : launch<Device>(c, convolution_kernel<16>(c));
}
// Uses the tiled kernel if there is one for these taps.
template <class Device, class Call> void launch_depthwise(const Call& c, bool gated = false) {
    convolution_problem p(c);
    p.gated = gated;
    if (depthwise_tile<5, 1>::computes(p)) return launch<Device>(c, depthwise_tile<5, 1>(p));
    if (depthwise_tile<5, 3>::computes(p)) return launch<Device>(c, depthwise_tile<5, 3>(p));
    launch<Device>(c, value_kernel<depthwise_kernel>(c, p.groups, {p}));
}

// Strips of 24 columns, or narrower ones if a block has less shared memory.
template <int F, int H, number_format Format> using wide_attention = attention_branch_kernel<F, H, Format, 24, 4>;
template <int F, int H, number_format Format> using narrow_attention = attention_branch_kernel<F, H, Format, 12, 2>;

template <class Kernel> bool fits_into(const device_limits& on) {
    return sizeof(typename Kernel::shared) <= on.shared_bytes;
}
template <class Device, int F, int H, number_format Format> void launch_attention(const call& c) {
    const device_limits on = Device::limits();
    using wide = wide_attention<F, H, Format>;
    if (fits_into<wide>(on)) return launch<Device>(c, wide(c, on));
    launch<Device>(c, narrow_attention<F, H, Format>(c, on));
}

} // namespace detail

// ---- convolutions; an unknown activation follows as an operation of its own ------------------------------------
template <class A>
concept fused_on_device = A::kind != activation_kind::custom;

// Weights are prepared on the host once for inference, and on the device before each step in training.
template <class D> void prepare(on_device<D>, filters_by_tap, const preparation_call& c) {
    detail::launch_preparation<D>(c.queue, arrange_filters(c, false));
}
template <class D> std::size_t prepared_bytes(on_device<D>, filters_by_tap, const preparation_call& c) {
    return count(c.dims[0]) * bytes_of(c.format);
}
template <class D> void prepare(on_device<D>, normalise_weight, const preparation_call& c) {
    detail::launch_preparation<D>(c.queue, normalise_weight_kernel(c));
}

template <class D, fused_on_device A>
constexpr void choose(on_device<D>, conv2d<A>, convolution_method wanted, operation& o) {
    detail::choose_convolution(wanted, o);
}
template <class D, fused_on_device A> filters_by_tap layout_of(on_device<D>, conv2d<A>);
template <class D, class A> void forward(on_device<D>, laid_out<conv2d<A>, filters_by_tap>, const call& c) {
    detail::launch_convolution<D>(c);
}
template <class D, fused_on_device A> filters_by_tap layout_of(on_device<D>, depthwise_conv2d<A>);
template <class D, class A> void forward(on_device<D>, laid_out<depthwise_conv2d<A>, filters_by_tap>, const call& c) {
    detail::launch_depthwise<D>(c);
}
template <class D> filters_by_tap layout_of(on_device<D>, gated_depthwise_conv2d);
template <class D> void forward(on_device<D>, laid_out<gated_depthwise_conv2d, filters_by_tap>, const call& c) {
    detail::launch_depthwise<D>(c, true);
}

template <class D> constexpr void choose(on_device<D>, multiply_matrix, convolution_method wanted, operation& o) {
    detail::choose_convolution(wanted, o);
}
template <class D> filters_by_tap layout_of(on_device<D>, multiply_matrix);
template <class D> void forward(on_device<D>, laid_out<multiply_matrix, filters_by_tap>, const call& c) {
    detail::launch_convolution<D>(c); // a convolution with one tap
}

// ---- VapSR's attention branch in 16 bits -----------------------------------------------------------------------
template <class D, int F, int H>
requires(attention_fits_tiles(F, H)) attention_filters<F, H> layout_of(on_device<D>, attention_branch<F, H>);
template <class D, int F, int H> void prepare(on_device<D>, attention_filters<F, H>, const preparation_call& c) {
    static_cast<attention_filters<F, H>*>(c.out)->arrange(c); // on the host: inference only
}
template <class D, int F, int H>
std::size_t prepared_bytes(on_device<D>, attention_filters<F, H>, const preparation_call&) {
    return sizeof(attention_filters<F, H>);
}
template <class D, int F, int H> bool can_run(on_device<D>, attention_branch<F, H>) {
    return detail::fits_into<detail::narrow_attention<F, H, number_format::bfloat16>>(D::limits());
}
template <class D, int F, int H>
void forward(on_device<D>, laid_out<attention_branch<F, H>, attention_filters<F, H>>, const call& c) {
    c.x[0].format == number_format::bfloat16 ? detail::launch_attention<D, F, H, number_format::bfloat16>(c)
                                             : detail::launch_attention<D, F, H, number_format::float16>(c);
}

// ---- element-wise operations -----------------------------------------------------------------------------------
template <class D, class A> void forward(on_device<D>, activate<A>, const call& c) {
    const device_view x(c.x[0]), y(c.y);
    if constexpr (fused_on_device<A>)
        detail::launch_values<D>(c, activate_values<device_activation>{x, y, {A::kind, A::slope}});
    else
        detail::launch_values<D>(c, activate_values<custom_activation<A>>{x, y, {}});
}
template <class D> void forward(on_device<D>, parametric_relu, const call& c) {
    detail::launch_values<D>(c, rectify_by_slope{device_view(c.x[0]), device_view(c.y), c.weight<float>(0)});
}
template <class D> void forward(on_device<D>, add, const call& c) {
    detail::launch_values<D>(c, add_values{device_view(c.x[0]), device_view(c.x[1]), device_view(c.y)});
}
template <class D> void forward(on_device<D>, multiply, const call& c) {
    detail::launch_values<D>(c, multiply_values{device_view(c.x[0]), device_view(c.x[1]), device_view(c.y)});
}
template <class D> void forward(on_device<D>, concatenate, const call& c) {
    detail::launch_values<D>(c, concatenate_values{device_view(c.x[0]), device_view(c.x[1]), device_view(c.y)});
}

// ---- normalisations --------------------------------------------------------------------------------------------
template <class D> void forward(on_device<D>, layer_normalise, const call& c) {
    detail::launch<D>(c, layer_normalise_kernel(c));
}
template <class D> void forward(on_device<D>, batch_normalise, const call& c) {
    detail::launch_values<D>(c, batch_normalise_values(c));
}

// ---- operations that change the size ---------------------------------------------------------------------------
template <class D> void forward(on_device<D>, shuffle_pixels, const call& c) {
    detail::launch_values<D>(c, gather_values<shuffle_values>{{device_view(c.x[0]), c.a.factor}, {}, device_view(c.y)});
}
template <class D> void forward(on_device<D>, magnify, const call& c) {
    detail::launch_values<D>(c,
                             gather_values<magnify_values>{
                                 {device_view(c.x[0]), c.a.factor, c.a.filter}, device_view(c.x[1]), device_view(c.y)});
}
template <class D> void forward(on_device<D>, pool_maximum, const call& c) {
    detail::launch_values<D>(c, gather_values<maximum_of_pixels>{maximum_of_pixels(c), {}, device_view(c.y)});
}
template <class D> void forward(on_device<D>, pool_mean, const call& c) { detail::launch<D>(c, mean_of_pixels(c)); }

} // namespace fovea
