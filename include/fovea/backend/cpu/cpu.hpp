// The CPU backend: which kernel of kernel_list.hpp computes an operation, and how a convolution is computed. Operations
// without a kernel here are computed by the reference backend.
#pragma once
#include "fovea/backend/cpu/select.hpp"
#include "fovea/backend/reference/reference.hpp"
#include "fovea/graph/cost.hpp"
#include "fovea/graph/tracer.hpp"
#include "fovea/ops/attention_block.hpp"

namespace fovea {

struct cpu : reference {};

// ---- convolutions, with packed weights

// The activations that a kernel can apply to its sums.
template <class A>
concept fused_on_cpu = A::kind != activation_kind::custom;

// Whether Winograd's tiles can compute such a convolution; winograd_pays tells whether they are faster than the direct
// sum (bench_ops has both side by side).
constexpr bool winograd_fits(const attributes& a) {
    return a.kernel == 3 && a.stride == 1 && a.dilation == 1 && a.groups == 1 && a.offset == 0;
}
// Whether the kernels of 8 bits and of half precision can compute such a convolution, and are faster.
constexpr bool grouped_fits(const attributes& a, const weight_shape& dims) {
    return a.dilation == 1 && a.groups == 1 && a.offset == 0 && dims[1] >= cost::grouped_least_inputs;
}
constexpr bool int8_fits(const attributes& a, const weight_shape& dims) {
    return grouped_fits(a, dims) && dims[1] * dims[2] * dims[3] <= max_int8_terms;
}
constexpr bool winograd_pays(const weight_shape& dims) { return dims[1] >= cost::winograd_least_inputs; }
constexpr convolution_method method_for(convolution_method wanted, const operation& o) {
    using enum convolution_method;
    const bool chosen = wanted == winograd || (wanted == automatic && winograd_pays(o.dims));
    return chosen && winograd_fits(o.a) ? winograd : direct;
}
// The larger tiles are taken where the products outweigh the transforms, and where the 64 planes of weights that they
// need, in place of 36, still fit the caches.
constexpr int winograd_tile_for(const weight_shape& dims) {
    const bool large = dims[0] >= cost::large_tile_least_outputs && dims[1] >= cost::large_tile_least_inputs &&
                       dims[0] * dims[1] <= cost::large_tile_most_filters;
    return large ? 6 : 4;
}

template <fused_on_cpu A> constexpr void choose(cpu, conv2d<A>, convolution_method wanted, operation& o) {
    o.a.method = method_for(wanted, o);
    o.fits_int8 = int8_fits(o.a, o.dims);
    o.fits_halves = o.a.method == convolution_method::direct && grouped_fits(o.a, o.dims);
    if (o.a.method == convolution_method::winograd) {
        o.a.tile = o.reads.grain = winograd_tile_for(o.dims);
        o.work *= o.a.tile == 6 ? cost::winograd_6 : cost::winograd_4;
    }
}

// Weights as the kernels need them that the attributes choose.
struct packed_convolution {
    static constexpr int inputs = 1;
};
inline convolution_kernels kernels_for(const attributes& a) {
    using enum convolution_method;
    if (a.halves) return *FOVEA_CPU_KERNEL(half_convolution);
    if (a.method == winograd)
        return {FOVEA_CPU_KERNEL(winograd_scratch), FOVEA_CPU_KERNEL(winograd), FOVEA_CPU_KERNEL(packed_winograd_bytes),
                FOVEA_CPU_KERNEL(pack_winograd)};
    if (a.method == int8)
        return {FOVEA_CPU_KERNEL(int8_convolution_scratch), FOVEA_CPU_KERNEL(int8_convolution),
                FOVEA_CPU_KERNEL(packed_int8_convolution_bytes), FOVEA_CPU_KERNEL(pack_int8_convolution)};
    return {FOVEA_CPU_KERNEL(convolution_scratch), FOVEA_CPU_KERNEL(convolution),
            FOVEA_CPU_KERNEL(packed_convolution_bytes), FOVEA_CPU_KERNEL(pack_convolution)};
}
inline void prepare(cpu, packed_convolution, const preparation_call& c) { kernels_for(c.a).pack(c); }
inline std::size_t prepared_bytes(cpu, packed_convolution, const preparation_call& c) {
    return kernels_for(c.a).packed_bytes(c);
}
template <fused_on_cpu A> packed_convolution layout_of(cpu, conv2d<A>);
template <class A> void forward(cpu, laid_out<conv2d<A>, packed_convolution>, const call& c) {
    kernels_for(c.a).run(c);
}
template <class A> std::size_t scratch(cpu, laid_out<conv2d<A>, packed_convolution>, const call& c) {
    return kernels_for(c.a).scratch(c);
}

struct packed_depthwise {
    static constexpr int inputs = 1;
};
inline void prepare(cpu, packed_depthwise, const preparation_call& c) { FOVEA_CPU_KERNEL(pack_depthwise)(c); }
inline std::size_t prepared_bytes(cpu, packed_depthwise, const preparation_call& c) {
    return FOVEA_CPU_KERNEL(packed_depthwise_bytes)(c);
}
template <fused_on_cpu A> packed_depthwise layout_of(cpu, depthwise_conv2d<A>);
template <class A> void forward(cpu, laid_out<depthwise_conv2d<A>, packed_depthwise>, const call& c) {
    FOVEA_CPU_KERNEL(depthwise)(c);
}

// A convolution cannot apply a user's own activation, which becomes an operation of its own behind it.
template <class A>
requires(!fused_on_cpu<A>) void forward(cpu, conv2d<A>, const call&) = delete;
template <class A>
requires(!fused_on_cpu<A>) void forward(cpu, depthwise_conv2d<A>, const call&) = delete;

// ---- VapSR's attention block

struct packed_attention {
    static constexpr int inputs = 12;
};
inline void prepare(cpu, packed_attention, const preparation_call& c) { FOVEA_CPU_KERNEL(pack_attention_block)(c); }
inline std::size_t prepared_bytes(cpu, packed_attention, const preparation_call& c) {
    return FOVEA_CPU_KERNEL(packed_attention_block_bytes)(c);
}
// Its first convolution is computed by the method that it would have alone.
template <int F, int A, int K>
constexpr void choose(cpu, attention_block<F, A, K>, convolution_method wanted, operation& o) {
    o.a.method = method_for(wanted, o);
    o.takes_16_bits = true; // the kernel widens rows itself: copies would repeat its inner halo
    o.fits_halves = true;
    if (o.a.method == convolution_method::winograd) {
        o.reads.grain = o.a.tile;
        o.work -= (1 - cost::winograd_4) * F * A * K * K;
    }
}
template <int F, int A, int K>
requires(F % 16 == 0 && A % 16 == 0) packed_attention layout_of(cpu, attention_block<F, A, K>);
template <int F, int A, int K> void forward(cpu, laid_out<attention_block<F, A, K>, packed_attention>, const call& c) {
    FOVEA_CPU_KERNEL(attention_block)(c);
}
template <int F, int A, int K>
std::size_t scratch(cpu, laid_out<attention_block<F, A, K>, packed_attention>, const call& c) {
    return FOVEA_CPU_KERNEL(attention_block_scratch)(c);
}

// ---- backward passes

struct packed_gradient_convolution {
    static constexpr int inputs = 1;
};
inline void prepare(cpu, packed_gradient_convolution, const preparation_call& c) {
    FOVEA_CPU_KERNEL(pack_convolution_gradient)(c);
}
inline std::size_t prepared_bytes(cpu, packed_gradient_convolution, const preparation_call& c) {
    return FOVEA_CPU_KERNEL(packed_convolution_gradient_bytes)(c);
}
inline packed_gradient_convolution gradient_layout_of(cpu, conv2d<identity>);
// The gradient of the input is a convolution from outputs to inputs, whose method is chosen by its own sizes. That of
// the weights is computed by Winograd's tiles where both convolutions have enough channels for them.
constexpr void choose_gradient(cpu, conv2d<identity>, convolution_method wanted, operation& o) {
    differentiation& d = o.d;
    operation back = o;
    back.dims = {o.dims[1] * o.a.groups, o.dims[0] / o.a.groups, o.dims[2], o.dims[3]};
    d.a.method = method_for(wanted, back);
    const bool own_pixel = o.a.kernel == 1 && o.a.stride == 1 && o.a.offset == 0;
    d.margin = own_pixel ? 0 : o.a.kernel / 2 * o.a.dilation + o.a.offset + 1;
    if (d.a.method == convolution_method::winograd) {
        d.a.tile = d.grain = winograd_tile_for(back.dims);
        d.margin = d.grain + 1;
    }
    d.weights_method =
        winograd_pays(o.dims) && winograd_pays(back.dims) ? method_for(wanted, o) : convolution_method::direct;
    if (d.weights_method == convolution_method::winograd) d.weight_reads.grain = 4;
}
inline void input_gradient(cpu, conv2d<identity>, const gradient_call& c) {
    if (c.a.stride > 1 && c.a.groups > 1) return input_gradient(reference{}, conv2d<identity>{}, c);
    FOVEA_CPU_KERNEL(convolution_input_gradient)(c);
}
inline std::size_t input_gradient_scratch(cpu, conv2d<identity>, const gradient_call& c) {
    return FOVEA_CPU_KERNEL(convolution_input_gradient_scratch)(c);
}
inline void weight_gradient(cpu, conv2d<identity>, const gradient_call& c) {
    FOVEA_CPU_KERNEL(convolution_weight_gradient)(c);
}
inline std::size_t weight_gradient_scratch(cpu, conv2d<identity>, const gradient_call& c) {
    return FOVEA_CPU_KERNEL(convolution_weight_gradient_scratch)(c);
}

struct packed_gradient_depthwise {
    static constexpr int inputs = 1;
};
inline void prepare(cpu, packed_gradient_depthwise, const preparation_call& c) {
    FOVEA_CPU_KERNEL(pack_depthwise_gradient)(c);
}
inline std::size_t prepared_bytes(cpu, packed_gradient_depthwise, const preparation_call& c) {
    return FOVEA_CPU_KERNEL(packed_depthwise_gradient_bytes)(c);
}
inline packed_gradient_depthwise gradient_layout_of(cpu, depthwise_conv2d<identity>);
constexpr void choose_gradient(cpu, depthwise_conv2d<identity>, convolution_method, operation& o) {
    o.d.margin = o.a.kernel / 2 * o.a.dilation + o.a.offset;
}
inline void input_gradient(cpu, depthwise_conv2d<identity>, const gradient_call& c) {
    if (c.a.stride > 1) return input_gradient(reference{}, depthwise_conv2d<identity>{}, c);
    FOVEA_CPU_KERNEL(depthwise_input_gradient)(c);
}
inline void weight_gradient(cpu, depthwise_conv2d<identity>, const gradient_call& c) {
    FOVEA_CPU_KERNEL(depthwise_weight_gradient)(c);
}

template <fused_on_cpu A> void input_gradient(cpu, activate<A>, const gradient_call& c) {
    FOVEA_CPU_KERNEL(activate_gradient)(c);
}
inline void input_gradient(cpu, parametric_relu, const gradient_call& c) { FOVEA_CPU_KERNEL(prelu_input_gradient)(c); }
inline void weight_gradient(cpu, parametric_relu, const gradient_call& c) {
    FOVEA_CPU_KERNEL(prelu_weight_gradient)(c);
}
inline void input_gradient(cpu, multiply, const gradient_call& c) { FOVEA_CPU_KERNEL(multiply_gradient)(c); }
inline void input_gradient(cpu, layer_normalise, const gradient_call& c) {
    FOVEA_CPU_KERNEL(layer_norm_input_gradient)(c);
}
inline void weight_gradient(cpu, layer_normalise, const gradient_call& c) {
    FOVEA_CPU_KERNEL(layer_norm_weight_gradient)(c);
}
inline void batch_statistics(cpu, batch_normalise, const gradient_call& c) {
    FOVEA_CPU_KERNEL(batch_norm_statistics)(c);
}
inline void gradient_statistics(cpu, batch_normalise, const gradient_call& c) {
    FOVEA_CPU_KERNEL(batch_norm_gradient_statistics)(c);
}
inline void input_gradient(cpu, batch_normalise, const gradient_call& c) {
    FOVEA_CPU_KERNEL(batch_norm_input_gradient)(c);
}
inline void weight_gradient(cpu, batch_normalise, const gradient_call& c) {
    FOVEA_CPU_KERNEL(batch_norm_weight_gradient)(c);
}
inline void input_gradient(cpu, shuffle_pixels, const gradient_call& c) { FOVEA_CPU_KERNEL(pixel_shuffle_gradient)(c); }
inline void input_gradient(cpu, pool_maximum, const gradient_call& c) { FOVEA_CPU_KERNEL(max_pool_gradient)(c); }
inline void input_gradient(cpu, pool_mean, const gradient_call& c) {
    FOVEA_CPU_KERNEL(global_average_pool_gradient)(c);
}

// ---- operations without weights, normalisations, numbers of 16 bits

template <fused_on_cpu A> void forward(cpu, activate<A>, const call& c) { FOVEA_CPU_KERNEL(activate)(c); }
inline void forward(cpu, parametric_relu, const call& c) { FOVEA_CPU_KERNEL(prelu)(c); }
inline void forward(cpu, layer_normalise, const call& c) { FOVEA_CPU_KERNEL(layer_norm)(c); }
inline void forward(cpu, batch_normalise, const call& c) { FOVEA_CPU_KERNEL(batch_norm)(c); }
inline void forward(cpu, add, const call& c) { FOVEA_CPU_KERNEL(add)(c); }
inline void forward(cpu, multiply, const call& c) { FOVEA_CPU_KERNEL(multiply)(c); }
inline void forward(cpu, shuffle_pixels, const call& c) { FOVEA_CPU_KERNEL(pixel_shuffle)(c); }
inline void forward(cpu, magnify, const call& c) { FOVEA_CPU_KERNEL(upsample)(c); }
inline std::size_t scratch(cpu, magnify, const call& c) { return FOVEA_CPU_KERNEL(upsample_scratch)(c); }
inline void forward(cpu, pool_maximum, const call& c) { FOVEA_CPU_KERNEL(max_pool)(c); }
inline void forward(cpu, pool_mean, const call& c) { FOVEA_CPU_KERNEL(global_average_pool)(c); }

inline void widen(cpu, number_format f, const std::uint16_t* from, float* to, std::ptrdiff_t count) {
    FOVEA_CPU_KERNEL(widen)(f, from, to, count);
}
inline void narrow(cpu, number_format f, const float* from, std::uint16_t* to, std::ptrdiff_t count) {
    FOVEA_CPU_KERNEL(narrow)(f, from, to, count);
}
inline bool multiplies_halves(cpu) { return bool(*FOVEA_CPU_KERNEL(half_convolution)); }

} // namespace fovea
