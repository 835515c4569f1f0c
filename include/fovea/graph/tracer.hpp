// What a layer's `trace` sees: a graph that it adds to, and typed values. Backend says which kernels operations get
// (graph/backend_hooks.hpp), Mode what may be fused.
#pragma once
#include "fovea/graph/backend_hooks.hpp"

namespace fovea {

// An activation while tracing: (N, H*Scale, W*Scale, Channels).
template <int Channels, ratio Scale = ratio{1}> struct value {
    static constexpr int channels = Channels;
    static constexpr ratio scale = Scale;
    int id = -1;
};

// The modes in which a network is traced. fuses_blocks: a block may trace to one operation where the backend offers it.
// fuses_activations, fuses_skips: a convolution may have an activation and a skip in its epilogue.
struct inference {
    static constexpr bool trains = false, fuses_blocks = true, fuses_activations = true, fuses_skips = true;
};
struct inference_in_parts { // every layer's result is a tensor of its own, to be looked at
    static constexpr bool trains = false, fuses_blocks = false, fuses_activations = false, fuses_skips = false;
};
struct training { // keeps what a backward pass reads: pre-activations stay apart from their convolutions
    static constexpr bool trains = true, fuses_blocks = false, fuses_activations = false, fuses_skips = true;
};

namespace detail {

// A graph while it is being traced: the cursors of whoever traces.
struct tracing : graph {
    convolution_method method = convolution_method::automatic; // as asked for
    depths depth;                                              // of each repeat<dynamic, ...>, as asked for
    int scope = -1;                                            // the label that encloses what is traced now
    double initial_gain = 1;      // factor of random initial weights (layers/starts_small.hpp)
    int repeats = 1;              // blocks of the innermost layers/repeat.hpp that is being traced
    int region = -1, regions = 0; // checkpointed blocks: the one that is being traced, and how many there are

    FOVEA_NOINLINE constexpr int add_weight(std::string_view name, weight_shape dims, weight_kind kind,
                                            initial start = {}, int rank = 1) {
        start.gain *= initial_gain;
        weights.push_back({scope, name, dims, kind, start, rank});
        return int(weights.size()) - 1;
    }
    FOVEA_NOINLINE constexpr int add_tensor(int channels, ratio scale) {
        tensors.push_back({channels, scale});
        return int(tensors.size()) - 1;
    }
    FOVEA_NOINLINE constexpr int append(operation o, int channels, ratio scale) {
        for (int i = 1; i < max_inputs; ++i) { // a second input is read beside the first one, or is a skip
            if (o.x[i] < 0) continue;
            const ratio other = tensors[std::size_t(o.x[i])].scale;
            if (other != scale && other != tensors[std::size_t(o.x[0])].scale)
                fail(
                    "fovea: an operation reads two values of different scales: expected the scale of its first input "
                    "or of its result for the others");
        }
        o.y = add_tensor(channels, scale);
        o.region = region;
        operations.push_back(o);
        return o.y;
    }
    // Labels nest: enter() returns the label to go back to, which leave() is given with the result of the layer.
    FOVEA_NOINLINE constexpr int enter(std::string_view text, int index = -1) {
        labels.push_back({scope, text, index});
        return std::exchange(scope, int(labels.size()) - 1);
    }
    FOVEA_NOINLINE constexpr void leave(int outer, int result) {
        outputs.push_back({scope, result});
        scope = outer;
    }
    constexpr int depth_here() const {
        for (auto& [name, n] : depth)
            if (scope >= 0 && labels[std::size_t(scope)].text == name) return n;
        return 0;
    }
};

} // namespace detail

// What a network is traced with.
template <class Mode, class Backend> struct tracer : detail::tracing {
    static constexpr bool trains = Mode::trains;
    using mode = Mode;

    constexpr tracer() { backend = detail::collect_traits<Backend>(); }

    // A block may be traced as one operation of this type.
    template <class Op> static constexpr bool fuses = Mode::fuses_blocks&& detail::has_forward<Backend, Op>;
    // The backend has a kernel for this operation.
    template <class Op>
    static constexpr bool offers = std::is_same_v<Backend, shapes_only> || detail::has_forward<Backend, Op>;

    // Declares a weight of the layer that is traced: a parameter, which is trained, or a buffer. Returns its number.
    constexpr int parameter(std::string_view name, weight_shape dims, initial start = {}, int rank = 1) {
        return add_weight(name, dims, weight_kind::parameter, start, rank);
    }
    constexpr int buffer(std::string_view name, weight_shape dims, initial start = {}) {
        return add_weight(name, dims, weight_kind::buffer, start);
    }

    // Appends an operation of type Op. Its result has `Channels` channels at `Scale`.
    template <class Op, int Channels, ratio Scale> constexpr value<Channels, Scale> emit(operation o) {
        o.op = &detail::identity_of<Op>;
        if (o.w[0] >= 0) o.dims = weights[std::size_t(o.w[0])].dims;
        if constexpr (!std::is_same_v<Backend, shapes_only>) {
            static_assert(detail::has_forward<Backend, Op>, "fovea: this backend has no kernel for this operation");
            if constexpr (detail::has_forward<Backend, Op>) take_kernels<Op>(o);
        }
        return {append(o, Channels, Scale)};
    }

    // The numbers that the next operation and the next weight will have.
    struct position {
        int operation, weight;
    };
    constexpr position here() const { return {int(operations.size()), int(weights.size())}; }

    // Op, with all parameters since `begin`, may take the place of the operations since then, where tensors are kept in
    // 16 bits (graph/fusion.hpp).
    template <class Op> constexpr void may_fuse(position begin, operation o) {
        if (method != convolution_method::automatic) return;
        for (int i = begin.weight, n = 0, all = int(weights.size()); i < all; ++i)
            if (weights[std::size_t(i)].kind == weight_kind::parameter) o.w[n++] = i;
        o.op = &detail::identity_of<Op>;
        o.dims = weights[std::size_t(o.w[0])].dims;
        take_kernels<Op>(o);
        fused_run f{.first = begin.operation, .count = int(operations.size()) - begin.operation, .whole = o};
        f.weights = preparations.back(); // packs them, where the fused operation is used
        preparations.pop_back();
        fusions.push_back(f);
    }

    // A weight computed from weights by `prepare(Backend, Op, ...)`, in the file's layout.
    template <class Op> constexpr int derive(std::string_view name, index_list<max_weights> from, weight_shape dims) {
        preparation p;
        p.w = from;
        p.out = add_weight(name, dims, weight_kind::derived);
        if constexpr (!std::is_same_v<Backend, shapes_only>) {
            static_assert(!trains || detail::has_gradient<Backend, Op>,
                          "fovea: this backend cannot train this weight; add gradient(Backend, Preparation, "
                          "const preparation_gradient_call&)");
            if constexpr (!trains || detail::has_gradient<Backend, Op>)
                p.kernels = &detail::derivation_of<Backend, Op, trains>;
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
        o.kernels = &detail::kernels_of<Backend, Op, trains>;
    }

    template <class Op> constexpr void differentiate(operation& o) {
        constexpr bool passes = requires { Op::passes_its_gradient; };
        static_assert(passes || detail::has_input_gradient<Backend, Op>,
                      "fovea: this backend cannot train this operation; add input_gradient(Backend, Operation, const "
                      "gradient_call&)");
        differentiation& d = o.d;
        d.a = o.a, d.w = o.w, d.weight_reads = o.reads;
        if constexpr (detail::has_gradient_choice<Backend, Op>) choose_gradient(Backend{}, Op{}, method, o);
        if constexpr (detail::has_gradient_layout<Backend, Op>) {
            using layout = decltype(gradient_layout_of(Backend{}, Op{}));
            preparation p = arrangement<layout>(o, d.a);
            d.arranged = p.out;
            preparations.push_back(p);
        }
    }

    // Packs the first weights of o.
    template <class Layout> constexpr preparation arrangement(const operation& o, const attributes& a) {
        preparation p;
        p.a = a;
        p.kernels = &detail::packing_of<Backend, Layout>;
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

} // namespace fovea
