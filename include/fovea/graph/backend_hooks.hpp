// The functions by which a backend computes operations, and how they become the constant objects of graph/op.hpp.
//
// A backend is a tag. Its functions are overloads that are found by the tag; a tag may inherit another one and falls
// back to it. For each operation type:
//
//   void forward(B, Op, const call&)                          the kernel (ops/kernel.hpp)
//   std::size_t scratch(B, Op, const call&)                   optional: bytes of scratch memory for a call
//   void choose(B, Op, convolution_method wanted, operation&) optional: how the operation is computed, by its sizes;
//                                                             sets attributes::method, footprint::grain, work
//   bool can_run(B, Op)                                       optional: whether this machine can run it, for operations
//                                                             that take the place of others (tracer::may_fuse)
//
// A backend may pack weights into a layout of its own. Then forward() takes laid_out<Op, Layout> in the place of Op, so
// that a fallback can never be handed weights in a layout that it does not know:
//
//   Layout layout_of(B, Op)                                   packs the first Layout::inputs weights into one
//   void prepare(B, Layout, const preparation_call&)          does that
//   std::size_t prepared_bytes(B, Layout, const preparation_call&)  bytes of the result
//
// For training (ops/gradient_kernel.hpp). An operation that only passes its gradient on has none of these:
//
//   void input_gradient(B, Op, const gradient_call&)
//   void weight_gradient(B, Op, const gradient_call&)         where it has weights
//   void batch_statistics(B, Op, const gradient_call&)        optional, as is gradient_statistics
//   std::size_t input_gradient_scratch(B, Op, const gradient_call&)  optional, as is weight_gradient_scratch
//   void choose_gradient(B, Op, convolution_method wanted, operation&)  optional: sets operation::d
//   Layout gradient_layout_of(B, Op)                          optional: packs w[0] for input_gradient, with the
//                                                             attributes operation::d.a
//   void gradient(B, Preparation, const preparation_gradient_call&)  for weights that are derived from others
//
// For the whole backend:
//
//   void widen(B, number_format, const std::uint16_t*, float*, std::ptrdiff_t count), and narrow the other way
//                                                             optional: tensors can be kept in 16 bits
//   bool multiplies_halves(B)                                 optional: on this machine, kernels of operations that
//                                                             choose() marked fits_halves take attributes::halves
#pragma once
#include <type_traits>

#include "fovea/graph/graph.hpp"

namespace fovea {

struct shapes_only {}; // a backend without kernels, to ask a network about itself

template <class Operation, class Layout> struct laid_out {};

namespace detail {

template <class Backend, class Op>
concept has_layout = requires {
    layout_of(Backend{}, Op{});
};
template <class Backend, class Op>
concept has_choice = requires(operation& o) {
    choose(Backend{}, Op{}, convolution_method{}, o);
};
template <class Backend, class Op>
concept has_limits = requires {
    can_run(Backend{}, Op{});
};
template <class Backend>
concept has_16_bits = requires(std::uint16_t* bits, float* values) {
    widen(Backend{}, number_format{}, bits, values, 0);
    narrow(Backend{}, number_format{}, values, bits, 0);
};
template <class Backend>
concept has_half_arithmetic = requires {
    multiplies_halves(Backend{});
};
template <class Backend, class Op>
concept has_gradient_choice = requires(operation& o) {
    choose_gradient(Backend{}, Op{}, convolution_method{}, o);
};
template <class Backend, class Op>
concept has_gradient_layout = requires {
    gradient_layout_of(Backend{}, Op{});
};

template <class Backend, class Op> struct arranged {
    using type = Op;
    static constexpr int inputs = 0;
};
template <class Backend, class Op>
requires has_layout<Backend, Op>
struct arranged<Backend, Op> {
    using layout = decltype(layout_of(Backend{}, Op{}));
    using type = laid_out<Op, layout>;
    static constexpr int inputs = layout::inputs;
};

template <class Backend, class Op>
concept has_forward = requires(const call& c) {
    forward(Backend{}, typename arranged<Backend, Op>::type{}, c);
};

// Whether a backend has a function for an operation, and that function as a graph calls it.
#define FOVEA_DETAIL_HOOK(Name, Call, Result)      \
    template <class Backend, class Op>             \
    concept has_##Name = requires(const Call& c) { \
        Name(Backend{}, Op{}, c);                  \
    };                                             \
    template <class Backend, class Op> Result run_##Name(const Call& c) { return Name(Backend{}, Op{}, c); }
FOVEA_DETAIL_HOOK(scratch, call, std::size_t)
FOVEA_DETAIL_HOOK(input_gradient, gradient_call, void)
FOVEA_DETAIL_HOOK(weight_gradient, gradient_call, void)
FOVEA_DETAIL_HOOK(batch_statistics, gradient_call, void)
FOVEA_DETAIL_HOOK(gradient_statistics, gradient_call, void)
FOVEA_DETAIL_HOOK(input_gradient_scratch, gradient_call, std::size_t)
FOVEA_DETAIL_HOOK(weight_gradient_scratch, gradient_call, std::size_t)
FOVEA_DETAIL_HOOK(gradient, preparation_gradient_call, void)
#undef FOVEA_DETAIL_HOOK

// Op is the type that the backend's forward kernel takes (laid_out where weights are packed), Plain the operation
// itself.
template <class Backend, class Op, class Plain, bool Trains> constexpr op_kernels collect_kernels() {
    op_kernels k{.forward = [](const call& c) { forward(Backend{}, Op{}, c); }};
    if constexpr (has_scratch<Backend, Op>) k.takes_scratch = true, k.scratch = run_scratch<Backend, Op>;
    if constexpr (has_limits<Backend, Plain>) k.runs_here = [] { return can_run(Backend{}, Plain{}); };
    if constexpr (Trains) {
        k.gives_weight_gradient = has_weight_gradient<Backend, Plain>;
        if constexpr (has_input_gradient<Backend, Plain>) k.input = run_input_gradient<Backend, Plain>;
        if constexpr (has_weight_gradient<Backend, Plain>) k.weights = run_weight_gradient<Backend, Plain>;
        if constexpr (has_batch_statistics<Backend, Plain>) k.statistics_before = run_batch_statistics<Backend, Plain>;
        if constexpr (has_gradient_statistics<Backend, Plain>)
            k.statistics_back = run_gradient_statistics<Backend, Plain>;
        if constexpr (has_input_gradient_scratch<Backend, Plain>)
            k.input_takes_scratch = true, k.input_scratch = run_input_gradient_scratch<Backend, Plain>;
        if constexpr (has_weight_gradient_scratch<Backend, Plain>)
            k.weights_scratch = run_weight_gradient_scratch<Backend, Plain>;
    }
    return k;
}
template <class Backend, class Op, bool Trains>
inline constexpr op_kernels kernels_of = collect_kernels<Backend, typename arranged<Backend, Op>::type, Op, Trains>();

template <class Backend, class Op, bool Trains> constexpr preparation_kernels collect_derivation() {
    preparation_kernels k{.kind = preparation_kind::derivation,
                          .forward = [](const preparation_call& c) { prepare(Backend{}, Op{}, c); }};
    if constexpr (Trains) k.backward = run_gradient<Backend, Op>;
    return k;
}
template <class Backend, class Op, bool Trains>
inline constexpr preparation_kernels derivation_of = collect_derivation<Backend, Op, Trains>();

template <class Backend, class Layout> constexpr preparation_kernels collect_packing() {
    return {.kind = preparation_kind::packing,
            .forward = [](const preparation_call& c) { prepare(Backend{}, Layout{}, c); },
            .bytes = [](const preparation_call& c) -> std::size_t { return prepared_bytes(Backend{}, Layout{}, c); }};
}
template <class Backend, class Layout>
inline constexpr preparation_kernels packing_of = collect_packing<Backend, Layout>();

template <class Backend> constexpr backend_traits collect_traits() {
    backend_traits t;
    if constexpr (has_16_bits<Backend>) {
        t.converts_16_bits = true;
        t.widen = [](number_format f, const std::uint16_t* from, float* to, std::ptrdiff_t count) {
            widen(Backend{}, f, from, to, count);
        };
        t.narrow = [](number_format f, const float* from, std::uint16_t* to, std::ptrdiff_t count) {
            narrow(Backend{}, f, from, to, count);
        };
    }
    if constexpr (has_half_arithmetic<Backend>) t.multiplies_halves = [] { return multiplies_halves(Backend{}); };
    return t;
}

} // namespace detail

} // namespace fovea
