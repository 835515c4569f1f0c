// A network, traced: the flat list of operations that its layer types emit.
//
// Layers are types and exist only while tracing. What is planned, run, tiled, named, folded and saved is this list, by
// code that is no template and is compiled once. Everything here is constexpr, so that radius, scale, parameter count
// and peak bytes of a network are constants when they are asked for as constants.
#pragma once
#include <concepts>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/core/config.hpp"
#include "fovea/core/error.hpp"
#include "fovea/graph/precision.hpp"
#include "fovea/ops/gradient_kernel.hpp"

namespace fovea {

// Pixels of a tensor for each pixel of the network's input, along one axis. 0: one pixel for the whole image.
struct ratio {
    int num = 1, den = 1;
    constexpr ratio() = default;
    constexpr ratio(int n, int d = 1) : num(n / gcd(n, d)), den(d / gcd(n, d)) {}
    constexpr bool operator==(const ratio&) const = default;
    friend constexpr ratio operator*(ratio a, ratio b) { return {a.num * b.num, a.den * b.den}; }

  private:
    static constexpr int gcd(int a, int b) { return std::max(std::gcd(a, b), 1); }
};

constexpr int floor_div(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// Which rows (or columns) of its first input an operation reads for the rows `out` of its output, and how many it has.
struct footprint {
    int magnify = 1, stride = 1; // one of them is 1
    int radius = 0;              // input pixels on either side
    int offset = 0, end = 0;     // input pixels before the centre of the first output, and at least behind the last's
    bool whole = false;          // reads the whole image, gives one pixel
    int grain = 1;               // output pixels are computed in runs of so many, from multiples of it

    constexpr bool own_pixel() const {
        return magnify == 1 && stride == 1 && radius == 0 && offset == 0 && end == 0 && grain == 1 && !whole;
    }
    // The runs that the rows `out` are part of.
    constexpr range grains(range out) const {
        return {floor_div(out.begin, grain) * grain, floor_div(out.end + grain - 1, grain) * grain};
    }
    constexpr range operator()(range out, int extent_in) const {
        if (out.empty()) return {};
        if (whole) return {0, extent_in};
        out = grains(out);
        return {floor_div(out.begin, magnify) * stride + offset - radius,
                floor_div(out.end - 1, magnify) * stride + offset + radius + 1};
    }
    constexpr int extent(int in) const { // 0: the input is too small
        return whole ? 1 : magnify > 1 ? in * magnify : std::max(0, floor_div(in - 1 - offset - end, stride) + 1);
    }
};

// Up to N indices of tensors or weights; -1 where there is none.
template <int N> class index_list {
  public:
    constexpr index_list() { at_.fill(-1); }
    template <std::same_as<int>... I>
    requires(sizeof...(I) > 0 && sizeof...(I) <= N) constexpr index_list(I... i) : index_list() {
        int n = 0;
        ((at_[std::size_t(n++)] = i), ...);
    }
    constexpr int& operator[](int i) { return at_[std::size_t(i)]; }
    constexpr int operator[](int i) const { return at_[std::size_t(i)]; }
    constexpr auto begin() const { return at_.begin(); }
    constexpr auto end() const { return at_.end(); }
    static constexpr int size() { return N; }

  private:
    std::array<int, std::size_t(N)> at_{};
};

enum class weight_kind { parameter, buffer, derived }; // buffer: read from the file, never trained

// What a weight holds before training: one value, normal numbers (He et al. 2015, arXiv 1502.01852), or the norm of
// each row of the weight that follows it, which is what weight normalisation begins with.
struct initial {
    enum class kind { constant, normal, norms_of_next };
    kind how = kind::constant;
    double value = 0; // of `normal`: how many numbers a sum has that the weight is part of; variance 2 / value
    double gain = 1;  // times that deviation
};

struct label {
    int parent;
    std::string_view text;
    int index; // of an unnamed layer in its sequence, else -1
};
struct weight {
    int scope;
    std::string_view name;
    weight_shape dims;
    weight_kind kind;
    initial start{};
    int rank = 1; // dimensions where frameworks keep it; the others are 1
};
struct tensor_info {
    int channels;
    ratio scale;
    number_format format = number_format::float32; // see graph/half_storage.hpp
};
struct output_of { // what the layer under a label produced
    int scope, tensor;
};

enum saves : unsigned { nothing = 0, first_input = 1, second_input = 2, its_output = 4 };

// How an operation is differentiated; filled in when a network is traced for training.
struct differentiation {
    unsigned inputs_read = nothing;  // values that input_gradient reads
    unsigned weights_read = nothing; // values that weight_gradient reads
    unsigned passes = nothing;       // inputs whose gradient is that of the output itself
    bool in_place = false;           // dx[0] may take the place of dy
    bool cheap = false;              // the output is rather computed again than kept
    int statistics = 0;              // numbers that batch_statistics and gradient_statistics fill
    attributes a{};                  // of the backward kernels
    convolution_method weights_method = convolution_method::direct; // of weight_gradient
    int margin = 0;              // columns of dy outside the image, on either side, that input_gradient reads
    int grain = 1;               // input_gradient computes pixels in runs of so many, from multiples of it
    footprint weight_reads{};    // of x[0], by weight_gradient
    index_list<max_weights> w{}; // weights as the layer gave them
    int arranged = -1;           // the weight that a backend arranged for input_gradient
    gradient_kernel input = nullptr, weights = nullptr, statistics_before = nullptr, statistics_back = nullptr;
    gradient_scratch input_scratch = nullptr, weights_scratch = nullptr;
};

// y = f(x; w) over pixels. The second input, where there is one, is read at the output's own pixel.
struct operation {
    index_list<max_inputs> x{};
    index_list<max_weights> w{};
    int y = -1;
    attributes a{};
    footprint reads{};
    differentiation d{};
    int region = -1;            // of a checkpointed block, else -1
    double work = 0;            // multiply-adds for one pixel of y, or what takes as long
    int recomputed = 0;         // rows and columns on either side that a call computes again inside a fused block
    weight_shape dims{};        // of w[0], before a backend arranges it
    bool fits_int8 = false;     // the backend can also compute it as convolution_method::int8
    bool fits_halves = false;   // and with attributes::halves, where its machine multiplies them
    bool takes_16_bits = false; // its kernel reads and writes tensors of any format
    kernel forward = nullptr;
    scratch_size scratch = nullptr;
};

// Whether it is an activation that a backend may fuse, and nothing else.
constexpr bool only_activates(const operation& o) {
    return o.w[0] < 0 && o.x[1] < 0 && o.a.activation != activation_kind::identity &&
           o.a.activation != activation_kind::custom;
}

// Weights to weights, once at loading in inference.
struct preparation {
    index_list<max_weights> w{};
    int out = -1;
    attributes a{};
    preparation_kernel forward = nullptr;
    preparation_size bytes = nullptr;              // of the result; null: count(dims) floats
    number_format format = number_format::float32; // of the tensor that an arrangement is multiplied with
    preparation_gradient backward = nullptr;       // null: of an arrangement, whose gradients bypass it
};

// An operation that may take the place of a run of others, of which nothing else reads what they give but the last one:
// see graph/fusion.hpp.
struct fused_run {
    int first = 0, count = 0; // of the operations
    operation whole{};        // without its result, which is the last one's
    preparation weights{};
    bool (*can_run)() = nullptr; // on this machine; null: on every one
};

using depths = std::vector<std::pair<std::string_view, int>>; // of each repeat<dynamic, ...>, by the name around it

struct graph {
    std::vector<label> labels;
    std::vector<weight> weights;
    std::vector<tensor_info> tensors; // the first is the input, the last the output
    std::vector<preparation> preparations;
    std::vector<operation>
        operations; // in an order in which they can run; operation i writes a tensor after those it reads
    std::vector<output_of> outputs;
    std::vector<fused_run> fusions; // in the order of their operations
    depths depth;
    convolution_method method = convolution_method::automatic; // as asked for
    precision_kind precision = precision_kind::float32;        // likewise
    widening widen = nullptr;                                  // the backend's
    narrowing narrow = nullptr;
    bool (*multiplies_halves)() = nullptr; // whether its kernels take attributes::halves on this machine; null: no
    int scope = -1;
    double initial_gain = 1;      // of random initial weights, by layers/starts_small.hpp
    int repeats = 1;              // how many blocks the innermost layers/repeat.hpp has that is being traced
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
        for (int i = 1; i < max_inputs; ++i) { // read beside the first input, or a skip beside the result
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
    std::string scope_name(int s) const { // "body.0.": with the dot
        if (s < 0) return {};
        auto& l = labels[std::size_t(s)];
        std::string own = l.index >= 0 ? std::to_string(l.index) : std::string(l.text);
        return scope_name(l.parent) + own + (own.empty() ? "" : ".");
    }
    bool is_named(int s, std::string_view name) const {
        const std::string full = scope_name(s);
        return full.size() == name.size() + 1 && full.starts_with(name);
    }
    std::string name(const weight& w) const { return scope_name(w.scope) + std::string(w.name); }
};

// Height and width of every tensor, for an input of that size.
struct extent {
    int height = 0, width = 0;
    constexpr bool operator==(const extent&) const = default;
};
constexpr std::vector<extent> extents_of(const graph& g, extent input) {
    std::vector<extent> all(g.tensors.size(), extent{});
    all[0] = input;
    for (auto& o : g.operations) {
        extent in = all[std::size_t(o.x[0])];
        all[std::size_t(o.y)] = {o.reads.extent(in.height), o.reads.extent(in.width)};
    }
    return all;
}

// The height or width of the smallest image that the network can be run on.
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

// The tensor that the layer `name` ("body.0") gives; -1: no layer has that name.
inline int result_of(const graph& g, std::string_view name) {
    for (auto& o : g.outputs)
        if (g.is_named(o.scope, name)) return o.tensor;
    return -1;
}

// The part of a network up to what the layer `name` ("body.0.proj_1") computes: of a layer with weights of its own the
// operation that reads them, of a composition its result. False when no layer has that name.
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
