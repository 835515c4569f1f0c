// A traced network: the flat list of operations that its layer types emit, with names, weights and tensors. It is plain
// data, which code that is no template plans, prints, tiles and runs. Layers are types and exist only while a network
// is traced (graph/tracer.hpp).
//
// Everything here is constexpr, so that radius, scale, parameter count and peak bytes of a network are constants when
// they are asked for as constants.
#pragma once
#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/core/config.hpp"
#include "fovea/core/error.hpp"
#include "fovea/graph/footprint.hpp"
#include "fovea/graph/op.hpp"
#include "fovea/graph/precision.hpp"

namespace fovea {

// Up to N indices of tensors or weights; unused ones are -1.
template <int N> class index_list {
  public:
    constexpr index_list() { at_.fill(-1); }
    template <std::same_as<int>... I>
    requires(sizeof...(I) > 0 && sizeof...(I) <= N) constexpr index_list(I... i) : index_list() {
        int n = 0;
        ((at_[std::size_t(n++)] = i), ...);
    }
    // Index i, and all N of them.
    constexpr int& operator[](int i) { return at_[std::size_t(i)]; }
    constexpr int operator[](int i) const { return at_[std::size_t(i)]; }
    constexpr auto begin() const { return at_.begin(); }
    constexpr auto end() const { return at_.end(); }
    static constexpr int size() { return N; }

  private:
    std::array<int, std::size_t(N)> at_{};
};

enum class weight_kind { parameter, buffer, derived }; // a buffer is read from the file and never trained

// The values of a weight before training: one constant, normal numbers (He et al. 2015, arXiv 1502.01852), or the norms
// of the rows of the weight that follows it, with which weight normalisation begins.
struct initial {
    // How the values come about.
    enum class kind { constant, normal, norms_of_next };
    kind how = kind::constant;
    double value = 0; // the constant; `normal`: the terms of the sum that the weight is part of, variance 2 / value
    double gain = 1;  // factor of the deviation
};

// A level of the names of layers: its own text or number, below another label (-1: none).
struct label {
    int parent;
    std::string_view text;
    int index; // the position of an unnamed layer in its sequence; -1: it has a name
};
// A weight: its name below the label `scope`, shape, kind, and how it begins.
struct weight {
    int scope;
    std::string_view name;
    weight_shape dims;
    weight_kind kind;
    initial start{};
    int rank = 1; // its dimensions in weight files; the other sizes in dims are 1
};
// A tensor of activations.
struct tensor_info {
    int channels;
    ratio scale;
    number_format format = number_format::float32; // in memory (graph/half_storage.hpp)
};
struct output_of { // the tensor that the layer under a label produced
    int scope, tensor;
};

// What a backward kernel reads, as a set of bits.
enum class saves : unsigned { nothing = 0, first_input = 1, second_input = 2, its_output = 4 };
constexpr saves operator|(saves a, saves b) { return saves(unsigned(a) | unsigned(b)); }
constexpr bool operator&(saves a, saves b) { return unsigned(a) & unsigned(b); }
constexpr saves input_number(int k) { return k == 0 ? saves::first_input : saves::second_input; }

// How an operation is differentiated; filled in when a network is traced for training.
struct differentiation {
    saves inputs_read = saves::nothing;  // values that input_gradient reads
    saves weights_read = saves::nothing; // values that weight_gradient reads
    saves passes = saves::nothing;       // inputs whose gradient is that of the output itself
    bool in_place = false;               // dx[0] may take the place of dy
    bool cheap = false;                  // the output is computed again for the backward pass and not kept
    int statistics = 0;                  // numbers that batch_statistics and gradient_statistics fill
    attributes a{};                      // attributes of the backward kernels
    convolution_method weights_method = convolution_method::direct; // method of weight_gradient
    int margin = 0;              // columns of dy outside the image, on either side, that input_gradient reads
    int grain = 1;               // input_gradient computes pixels in runs of `grain`, from multiples of it
    footprint weight_reads{};    // the pixels of x[0] that weight_gradient reads
    index_list<max_weights> w{}; // the weights as the layer gave them, before a backend packed them
    int arranged = -1;           // the weight that a backend packed for input_gradient; -1: there is none

    // Returns whether the gradient of input k is that of the output.
    constexpr bool passes_input(int k) const { return passes & input_number(k); }
};

// y = f(x; w) over pixels. A second input, where there is one, is read at the output's own pixel.
struct operation {
    const op_identity* op = nullptr;
    const op_kernels* kernels = nullptr; // null in a graph that was traced for its shapes only
    index_list<max_inputs> x{};
    index_list<max_weights> w{};
    int y = -1;
    attributes a{};
    footprint reads{};
    weight_shape dims{}; // shape of w[0] as the layer gave it
    differentiation d{};
    int region = -1;            // number of the checkpointed block that it is part of; -1: none
    double work = 0;            // estimated multiply-adds for one pixel of y (graph/cost.hpp)
    int recomputed = 0;         // rows and columns on either side that a call computes again inside a fused block
    bool fits_int8 = false;     // the backend can also compute it as convolution_method::int8
    bool fits_halves = false;   // and with attributes::halves, where its machine multiplies them
    bool takes_16_bits = false; // its kernel reads and writes tensors of any format

    // Returns whether this is an operation of type Op.
    template <class Op> constexpr bool is() const { return op == &detail::identity_of<Op>; }
};

// Returns whether `o` is an activation that a backend may fuse, and nothing else.
constexpr bool only_activates(const operation& o) {
    return o.w[0] < 0 && o.x[1] < 0 && o.a.activation != activation_kind::identity &&
           o.a.activation != activation_kind::custom;
}

// Makes weights from weights: once when a network is loaded for inference, and before each step in training.
struct preparation {
    const preparation_kernels* kernels = nullptr;
    index_list<max_weights> w{};
    int out = -1;
    attributes a{};
    number_format format = number_format::float32; // format of the tensor that packed weights are multiplied with

    // Returns whether it packs weights for kernels, rather than deriving a weight of the network.
    constexpr bool packs() const { return kernels && kernels->kind == preparation_kind::packing; }
};

// An operation that can take the place of a run of others; nothing but the last one's result is read outside of the run
// (graph/fusion.hpp).
struct fused_run {
    int first = 0, count = 0; // the operations of the run
    operation whole{};        // without its result, which is the last one's
    preparation weights{};
};

using depths = std::vector<std::pair<std::string_view, int>>; // of each repeat<dynamic, ...>, by the name around it

// A network as its operations on a backend.
struct graph {
    std::vector<label> labels;
    std::vector<weight> weights;
    std::vector<tensor_info> tensors; // the first is the input, the last the output
    std::vector<preparation> preparations;
    // In an order in which they can run: operation i writes a tensor that is numbered after those it reads.
    std::vector<operation> operations;
    std::vector<output_of> outputs;
    std::vector<fused_run> fusions;                     // in the order of their operations
    precision_kind precision = precision_kind::float32; // set by graph/lower.hpp
    backend_traits backend{};

    std::string scope_name(int s) const { // "body.0.": with the dot
        if (s < 0) return {};
        auto& l = labels[std::size_t(s)];
        std::string own = l.index >= 0 ? std::to_string(l.index) : std::string(l.text);
        return scope_name(l.parent) + own + (own.empty() ? "" : ".");
    }
    // Returns whether the layer under label s has this whole name.
    bool is_named(int s, std::string_view name) const {
        const std::string full = scope_name(s);
        return full.size() == name.size() + 1 && full.starts_with(name);
    }
    // The name of a weight in weight files, such as "body.0.conv1.weight".
    std::string name(const weight& w) const { return scope_name(w.scope) + std::string(w.name); }
};

// The size of an image or tensor, in pixels.
struct extent {
    int height = 0, width = 0;
    constexpr bool operator==(const extent&) const = default;
};
// Returns the size of every tensor for an input of that size.
constexpr std::vector<extent> extents_of(const graph& g, extent input) {
    std::vector<extent> all(g.tensors.size(), extent{});
    all[0] = input;
    for (auto& o : g.operations) {
        extent in = all[std::size_t(o.x[0])];
        all[std::size_t(o.y)] = {o.reads.extent(in.height), o.reads.extent(in.width)};
    }
    return all;
}

// Returns the smallest height and width of an image that the network can be run on.
constexpr int smallest_side(const graph& g) {
    const auto fits = [&](int n) {
        for (auto& e : extents_of(g, {n, n}))
            if (e.height < 1) return false;
        return true;
    };
    int n = 1;
    while (!fits(n)) ++n;
    return n;
}
// Throws when an image is too small for the network.
inline void check_extent(const graph& g, extent input) {
    const int least = smallest_side(g);
    if (input.height < least || input.width < least)
        fail("an image of ", input.width, 'x', input.height, " pixels: this network expects at least ", least, 'x',
             least);
}

// Returns the tensor that the layer `name`, such as "body.0", produces; -1: no layer has that name.
inline int result_of(const graph& g, std::string_view name) {
    for (auto& o : g.outputs)
        if (g.is_named(o.scope, name)) return o.tensor;
    return -1;
}

// Cuts a network after the layer `name`, such as "body.0.proj_1": after the operation that reads its weights if it has
// weights of its own, else after its result. Returns false when no layer has that name.
inline bool truncate(graph& g, std::string_view name) {
    int last = -1;
    for (auto& o : g.operations)
        if (o.w[0] >= 0 && g.is_named(g.weights[std::size_t(o.w[0])].scope, name)) last = std::max(last, o.y);
    if (last < 0) last = result_of(g, name);
    if (last < 0) return false;
    g.tensors.resize(std::size_t(last) + 1);
    std::erase_if(g.operations, [&](const operation& o) { return o.y > last; });
    std::erase_if(g.fusions, [&](const fused_run& f) { return f.first + f.count > int(g.operations.size()); });
    return true;
}

} // namespace fovea
