// The typed front of a graph: what a layer's `trace` sees.
//
// A backend is a tag. Its kernels are overloads found by the tag, and a tag may inherit another to fall back to it:
//   void forward(Backend, Operation, const call&)               the kernel of an operation type
//   std::size_t scratch(Backend, Operation, const call&)        optional: bytes of scratch memory for a call
//   void choose(Backend, Operation, convolution_method wanted, operation&)
//                                                               optional: how this one is computed, by its sizes:
//                                                               attributes::method, footprint::grain, work
//   Layout layout_of(Backend, Operation)                        optional: the backend's own arrangement of the first
//                                                               Layout::inputs weights, which become one
//   void prepare(Backend, Layout, const preparation_call&)      makes that arrangement, of
//   std::size_t prepared_bytes(Backend, Layout, const preparation_call&) bytes; its forward then takes
//   laid_out<Operation, Layout>
// so that a fallback can never be handed weights in a layout that it does not know. For tensors that are kept in 16
// bits:
//   void widen(Backend, number_format, const std::uint16_t*, float*, std::ptrdiff_t count), and narrow the other way
//   bool multiplies_halves(Backend)                             optional: whether kernels of operations that `choose`
//                                                               marked fits_halves take attributes::halves here
// For an operation that may take the place of others (tracer::may_fuse):
//   bool can_run(Backend, Operation)                            optional: whether this machine can run it
// For training (the kernels' contract is ops/gradient_kernel.hpp's; an operation that only passes its gradient on has
// none of them):
//   void input_gradient(Backend, Operation, const gradient_call&), weight_gradient, batch_statistics,
//   gradient_statistics                                         likewise
//   std::size_t input_gradient_scratch(Backend, Operation, const gradient_call&), weight_gradient_scratch    optional
//   void choose_gradient(Backend, Operation, convolution_method wanted, operation&)    optional: operation::d
//   Layout gradient_layout_of(Backend, Operation)               optional: an arrangement of w[0] for input_gradient,
//                                                               prepared with the attributes operation::d.a
//   void gradient(Backend, Preparation, const preparation_gradient_call&)   of a weight derived from others
#pragma once
#include <type_traits>

#include "fovea/graph/graph.hpp"

namespace fovea {

// An activation while tracing: (N, H*Scale, W*Scale, Channels).
template <int Channels, ratio Scale = ratio{1}> struct value {
    static constexpr int channels = Channels;
    static constexpr ratio scale = Scale;
    int id = -1;
};

// Modes. fuses_blocks: a block may trace to one operation where the backend offers it. fuses_skips: a layer may add a
// skip in its own epilogue.
struct inference {
    static constexpr bool trains = false, fuses_blocks = true, fuses_activations = true, fuses_skips = true;
};
struct inference_in_parts { // every layer's result is a tensor of its own, to be looked at
    static constexpr bool trains = false, fuses_blocks = false, fuses_activations = false, fuses_skips = false;
};
struct training { // keeps what a backward pass reads: pre-activations stay apart from their convolutions
    static constexpr bool trains = true, fuses_blocks = false, fuses_activations = false, fuses_skips = true;
};

struct shapes_only {}; // a backend without kernels, to ask a network about itself

template <class Operation, class Layout> struct laid_out {};

namespace detail {

template <class Backend, class Op>
concept has_layout = requires {
    layout_of(Backend{}, Op{});
};
template <class Backend, class Op>
concept has_scratch = requires(const call& c) {
    scratch(Backend{}, Op{}, c);
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

// Whether a backend has a function for an operation, and that function as the graph calls it.
#define FOVEA_DETAIL_HOOK(Name, Call, Result)      \
    template <class Backend, class Op>             \
    concept has_##Name = requires(const Call& c) { \
        Name(Backend{}, Op{}, c);                  \
    };                                             \
    template <class Backend, class Op> Result run_##Name(const Call& c) { return Name(Backend{}, Op{}, c); }
FOVEA_DETAIL_HOOK(input_gradient, gradient_call, void)
FOVEA_DETAIL_HOOK(weight_gradient, gradient_call, void)
FOVEA_DETAIL_HOOK(batch_statistics, gradient_call, void)
FOVEA_DETAIL_HOOK(gradient_statistics, gradient_call, void)
FOVEA_DETAIL_HOOK(input_gradient_scratch, gradient_call, std::size_t)
FOVEA_DETAIL_HOOK(weight_gradient_scratch, gradient_call, std::size_t)
FOVEA_DETAIL_HOOK(gradient, preparation_gradient_call, void)
#undef FOVEA_DETAIL_HOOK

// The kernel where there is one, else null.
#define FOVEA_DETAIL_KERNEL(Name)                      \
    [] {                                               \
        if constexpr (detail::has_##Name<Backend, Op>) \
            return &detail::run_##Name<Backend, Op>;   \
        else                                           \
            return nullptr;                            \
    }()

template <class Backend, class Op>
concept has_gradient_choice = requires(operation& o) {
    choose_gradient(Backend{}, Op{}, convolution_method{}, o);
};
template <class Backend, class Op>
concept has_gradient_layout = requires {
    gradient_layout_of(Backend{}, Op{});
};

template <class Backend, class Op> void run_forward(const call& c) { forward(Backend{}, Op{}, c); }
template <class Backend, class Op> bool ask_limits() { return can_run(Backend{}, Op{}); }
template <class Backend, class Op> std::size_t ask_scratch(const call& c) { return scratch(Backend{}, Op{}, c); }
template <class Backend, class Op> void run_preparation(const preparation_call& c) { prepare(Backend{}, Op{}, c); }
template <class Backend, class Op> std::size_t ask_prepared_bytes(const preparation_call& c) {
    return prepared_bytes(Backend{}, Op{}, c);
}

template <class Backend>
void run_widening(number_format f, const std::uint16_t* from, float* to, std::ptrdiff_t count) {
    widen(Backend{}, f, from, to, count);
}
template <class Backend>
void run_narrowing(number_format f, const float* from, std::uint16_t* to, std::ptrdiff_t count) {
    narrow(Backend{}, f, from, to, count);
}
template <class Backend> bool ask_half_arithmetic() { return multiplies_halves(Backend{}); }

} // namespace detail

template <class Mode, class Backend> struct tracer : graph {
    static constexpr bool trains = Mode::trains;
    using mode = Mode;

    constexpr tracer() {
        if constexpr (detail::has_16_bits<Backend>) {
            widen = &detail::run_widening<Backend>;
            narrow = &detail::run_narrowing<Backend>;
        }
        if constexpr (detail::has_half_arithmetic<Backend>) multiplies_halves = &detail::ask_half_arithmetic<Backend>;
    }

    // Whether a block may be one operation of this type here.
    template <class Op> static constexpr bool fuses = Mode::fuses_blocks&& detail::has_forward<Backend, Op>;
    // Whether the backend has a kernel for this operation.
    template <class Op>
    static constexpr bool offers = std::is_same_v<Backend, shapes_only> || detail::has_forward<Backend, Op>;

    constexpr int parameter(std::string_view name, weight_shape dims, initial start = {}, int rank = 1) {
        return add_weight(name, dims, weight_kind::parameter, start, rank);
    }
    constexpr int buffer(std::string_view name, weight_shape dims, initial start = {}) {
        return add_weight(name, dims, weight_kind::buffer, start);
    }

    // Appends an operation of type Op. Its result has `Channels` channels at `Scale`.
    template <class Op, int Channels, ratio Scale> constexpr value<Channels, Scale> emit(operation o) {
        if (o.w[0] >= 0) o.dims = weights[std::size_t(o.w[0])].dims;
        if constexpr (!std::is_same_v<Backend, shapes_only>) {
            static_assert(detail::has_forward<Backend, Op>, "fovea: this backend has no kernel for this operation");
            if constexpr (detail::has_forward<Backend, Op>) take_kernels<Op>(o);
        }
        return {append(o, Channels, Scale)};
    }

    // Where the next operation and its weights will be.
    struct position {
        int operation, weight;
    };
    constexpr position here() const { return {int(operations.size()), int(weights.size())}; }

    // Op, with all parameters since `begin`, may take the place of the operations since then, in 16 bits.
    template <class Op> constexpr void may_fuse(position begin, operation o) {
        if (method != convolution_method::automatic) return;
        for (int i = begin.weight, n = 0, all = int(weights.size()); i < all; ++i)
            if (weights[std::size_t(i)].kind == weight_kind::parameter) o.w[n++] = i;
        o.dims = weights[std::size_t(o.w[0])].dims;
        take_kernels<Op>(o);
        fused_run f{.first = begin.operation, .count = int(operations.size()) - begin.operation, .whole = o};
        f.weights = preparations.back(); // of their arrangement, which is made only where it is used
        preparations.pop_back();
        if constexpr (detail::has_limits<Backend, Op>) f.can_run = &detail::ask_limits<Backend, Op>;
        fusions.push_back(f);
    }

    // A weight computed from weights by `prepare(Backend, Op, ...)`, in the file's layout.
    template <class Op> constexpr int derive(std::string_view name, index_list<max_weights> from, weight_shape dims) {
        preparation p;
        p.w = from;
        p.out = add_weight(name, dims, weight_kind::derived);
        if constexpr (!std::is_same_v<Backend, shapes_only>) {
            p.forward = &detail::run_preparation<Backend, Op>;
            if constexpr (trains) {
                static_assert(detail::has_gradient<Backend, Op>,
                              "fovea: this backend cannot train this weight; add gradient(Backend, Preparation, "
                              "const preparation_gradient_call&)");
                p.backward = &detail::run_gradient<Backend, Op>;
            }
        }
        preparations.push_back(p);
        return p.out;
    }

  private:
    template <class Op> constexpr void take_kernels(operation& o) {
        using arranged = detail::arranged<Backend, Op>;
        if constexpr (trains) differentiate<Op>(o);
        if constexpr (detail::has_choice<Backend, Op>) choose(Backend{}, Op{}, method, o);
        if constexpr (arranged::inputs > 0) arrange<typename arranged::layout>(o);
        o.forward = &detail::run_forward<Backend, typename arranged::type>;
        if constexpr (detail::has_scratch<Backend, typename arranged::type>)
            o.scratch = &detail::ask_scratch<Backend, typename arranged::type>;
    }

    template <class Op> constexpr void differentiate(operation& o) {
        constexpr bool passes = requires { Op::passes_its_gradient; };
        static_assert(passes || detail::has_input_gradient<Backend, Op>,
                      "fovea: this backend cannot train this operation; add input_gradient(Backend, Operation, const "
                      "gradient_call&)");
        differentiation& d = o.d;
        d.a = o.a, d.w = o.w, d.weight_reads = o.reads;
        d.input = FOVEA_DETAIL_KERNEL(input_gradient);
        d.weights = FOVEA_DETAIL_KERNEL(weight_gradient);
        d.statistics_before = FOVEA_DETAIL_KERNEL(batch_statistics);
        d.statistics_back = FOVEA_DETAIL_KERNEL(gradient_statistics);
        d.input_scratch = FOVEA_DETAIL_KERNEL(input_gradient_scratch);
        d.weights_scratch = FOVEA_DETAIL_KERNEL(weight_gradient_scratch);
        if constexpr (detail::has_gradient_choice<Backend, Op>) choose_gradient(Backend{}, Op{}, method, o);
        if constexpr (detail::has_gradient_layout<Backend, Op>) {
            using layout = decltype(gradient_layout_of(Backend{}, Op{}));
            preparation p = arrangement<layout>(o, d.a);
            d.arranged = p.out;
            preparations.push_back(p);
        }
    }

    // Of the first weights of o.
    template <class Layout> constexpr preparation arrangement(const operation& o, const attributes& a) {
        preparation p;
        p.a = a;
        p.forward = &detail::run_preparation<Backend, Layout>;
        p.bytes = &detail::ask_prepared_bytes<Backend, Layout>;
        for (int i = 0; i < Layout::inputs; ++i) p.w[i] = o.w[i];
        p.out = add_weight("", o.dims, weight_kind::derived);
        return p;
    }
    template <class Layout> FOVEA_NOINLINE constexpr void arrange(operation& o) {
        const preparation p = arrangement<Layout>(o, o.a);
        index_list<max_weights> rest;
        rest[0] = p.out;
        for (int i = Layout::inputs; i < max_weights; ++i) rest[i - Layout::inputs + 1] = o.w[i];
        o.w = rest;
        preparations.push_back(p);
    }
};

#undef FOVEA_DETAIL_KERNEL

} // namespace fovea
