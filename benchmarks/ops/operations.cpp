// Every CPU operation on one 256x256 image: GFLOP/s and the fraction of the multiply-add peak measured in the same run.
#include <benchmark/benchmark.h>

#include <string>
#include <tuple>

#include "fovea/backend/cpu/kernels.hpp"
#include "image.hpp"
#include "measure.hpp"

namespace {

using namespace fovea_bench;
using fovea::activation_kind;
using method = fovea::convolution_method;
constexpr int height = 256, width = 256;

// Runs c on bands of rows, one per thread.
void measure_call(benchmark::State& state, int threads, double gflop, fovea::kernel kernel, const fovea::call& c,
                  std::size_t scratch_bytes = 0) {
    const std::size_t stride = (scratch_bytes + 63) / 64 * 64;
    const floats scratch = make_floats(stride / sizeof(float) * std::size_t(threads));
    measure(state, threads, gflop, [&](int part, int parts) {
        fovea::call band = c;
        band.images = {0, 1};
        band.rows = {c.y.height * part / parts, c.y.height * (part + 1) / parts};
        band.cols = {0, c.y.width};
        band.scratch = reinterpret_cast<std::byte*>(scratch.get()) + stride * std::size_t(part);
        kernel(band);
    });
}

struct convolution_case {
    int inputs, outputs, kernel;
    activation_kind activation = activation_kind::identity;
    int threads = 1;
    method how = method::direct;
    int tile = 4; // of Winograd
    bool halves = false;
};

struct named_kernels {
    const char* name;
    fovea::convolution_kernels of;
};
named_kernels kernels_for(const convolution_case& k) {
    if (k.halves) return {"halves_", isa::half_convolution};
    if (k.how == method::winograd)
        return {"winograd_", {isa::winograd_scratch, isa::winograd, isa::packed_winograd_bytes, isa::pack_winograd}};
    if (k.how == method::int8)
        return {"int8_",
                {isa::int8_convolution_scratch, isa::int8_convolution, isa::packed_int8_convolution_bytes,
                 isa::pack_int8_convolution}};
    return {"convolution_",
            {[](const fovea::call&) { return std::size_t{0}; }, isa::convolution, isa::packed_convolution_bytes,
             isa::pack_convolution}};
}

void convolution(benchmark::State& state, convolution_case k) {
    // Whole tiles: 256 is 4 * 64, and two less than 6 * 43.
    const image x(height, width, k.inputs, k.kernel / 2 + (k.tile == 6 ? 2 : 0)), y(height, width, k.outputs);
    fovea::preparation_call p;
    p.a.tile = k.tile;
    p.dims[0] = {k.outputs, k.inputs, k.kernel, k.kernel};
    const floats w = make_floats(fovea::count(p.dims[0])), bias = make_floats(std::size_t(k.outputs));
    p.w[0] = w.get();
    p.a.input = {.step = 0.6f / 255, .zero = 128};
    const fovea::convolution_kernels kernels = kernels_for(k).of;
    const floats packed = make_floats(kernels.packed_bytes(p) / sizeof(float));
    p.out = packed.get();
    kernels.pack(p);
    fovea::call c;
    c.a = p.a;
    c.a.kernel = k.kernel;
    c.a.activation = k.activation;
    c.a.slope = 0.1f;
    c.x[0] = x.view;
    c.y = y.view;
    c.w[0] = packed.get();
    c.w[1] = bias.get();
    c.dims = p.dims[0];
    c.cols = {0, width};
    measure_call(state, k.threads, 2e-9 * height * width * double(fovea::count(c.dims)), kernels.run, c,
                 kernels.scratch(c));
}

void depthwise(benchmark::State& state, int channels, int kernel, int dilation) {
    const image x(height, width, channels, kernel / 2 * dilation), y(height, width, channels);
    fovea::preparation_call p;
    p.dims[0] = {channels, 1, kernel, kernel};
    const floats w = make_floats(fovea::count(p.dims[0]));
    p.w[0] = w.get();
    const floats packed = make_floats(isa::packed_depthwise_bytes(p) / sizeof(float));
    p.out = packed.get();
    isa::pack_depthwise(p);
    fovea::call c;
    c.a.kernel = kernel;
    c.a.dilation = dilation;
    c.a.groups = channels;
    c.x[0] = x.view;
    c.y = y.view;
    c.w[0] = packed.get();
    c.dims = p.dims[0];
    measure_call(state, 1, 2e-9 * height * width * double(fovea::count(c.dims)), isa::depthwise, c);
}

struct block_case {
    int features, hidden, kernel, threads;
    fovea::convolution_method method = fovea::convolution_method::direct;
    bool halves = false;
};

void attention_block(benchmark::State& state, const block_case& b) {
    const int f = b.features, a = b.hidden, k = b.kernel;
    const image x(height, width, f, 8 + k / 2), y(height, width, f);
    fovea::preparation_call p;
    p.a.method = b.method, p.a.halves = b.halves;
    p.dims = attention_weights(f, a, k);
    std::vector<floats> w;
    for (std::size_t i = 0; i < 12; ++i) p.w[i] = w.emplace_back(make_floats(fovea::count(p.dims[i]))).get();
    const floats packed = make_floats(isa::packed_attention_block_bytes(p) / sizeof(float));
    p.out = packed.get();
    isa::pack_attention_block(p);
    fovea::call c;
    c.a.hidden = a;
    c.a.kernel = k;
    c.a.method = b.method, c.a.halves = b.halves;
    c.x[0] = x.view;
    c.y = y.view;
    c.w[0] = packed.get();
    c.cols = {0, width};
    const double products = double(a) * (double(f) * k * k + a + 25 + 25 + f);
    measure_call(state, b.threads, 2e-9 * height * width * products, isa::attention_block, c,
                 isa::attention_block_scratch(c));
}

// An operation from (H,W,inputs) to (H factor,W factor,outputs); `flop` per output value.
struct simple_case {
    fovea::kernel kernel;
    int inputs, outputs, factor = 1;
    double flop = 1;
    activation_kind activation = activation_kind::identity;
    fovea::scratch_size scratch = nullptr;
    bool two_inputs = false;
    int kernel_size = 1, stride = 1;
    bool whole_image = false; // y is 1x1
};

void simple(benchmark::State& state, simple_case s) {
    const image x(height, width, s.inputs), second(height, width, s.two_inputs ? s.inputs : 1);
    const int size[2] = {height * s.factor / s.stride, width * s.factor / s.stride};
    const image y(s.whole_image ? 1 : size[0], s.whole_image ? 1 : size[1], s.outputs);
    const floats w = make_floats(std::size_t(s.outputs));
    std::fill_n(w.get(), s.outputs, 1.f);
    fovea::call c;
    c.a.kernel = s.kernel_size;
    c.a.stride = s.stride;
    c.a.factor = s.factor;
    c.a.activation = s.activation;
    c.x[0] = x.view;
    if (s.two_inputs) c.x[1] = second.view;
    c.y = y.view;
    c.w.fill(w.get());
    c.cols = {0, y.view.width};
    measure_call(state, 1, 1e-9 * s.flop * y.view.height * y.view.width * s.outputs, s.kernel, c,
                 s.scratch ? s.scratch(c) : 0);
}

template <class F> void add_case(const std::string& name, F f) {
    benchmark::RegisterBenchmark(name.c_str(), f)->UseManualTime()->Unit(benchmark::kMillisecond);
}

void register_all() {
    using enum activation_kind;
    const auto add_convolution = [](const convolution_case& k) {
        const std::string name = kernels_for(k).name;
        add_case((k.how == method::winograd ? "winograd" + std::to_string(k.tile) + "_" : name) +
                     std::to_string(k.inputs) + "_" + std::to_string(k.outputs) + "_k" + std::to_string(k.kernel) +
                     (k.activation == identity ? "" : "_activated") + "/threads:" + std::to_string(k.threads),
                 [k](benchmark::State& s) { convolution(s, k); });
    };
    for (const convolution_case& k :
         {convolution_case{3, 48, 3}, {3, 64, 3}, {3, 64, 5}, {64, 64, 1}, {48, 64, 1, gelu}})
        add_convolution(k);
    if constexpr (isa::multiplies_halves)
        for (auto [inputs, outputs, kernel] : {std::tuple{48, 64, 1}, {64, 64, 1}, {64, 48, 1}, {64, 64, 3}})
            add_convolution({inputs, outputs, kernel, identity, 1, method::direct, 4, true});
    // Beside the direct sum; GFLOP/s count its products, so that those of others can exceed the peak.
    for (auto [inputs, outputs, activation, threads] : {std::tuple{64, 128, identity, 1},
                                                        {64, 128, silu, 1},
                                                        {64, 128, identity, 2},
                                                        {128, 64, identity, 1},
                                                        {128, 128, identity, 1},
                                                        {128, 256, identity, 1},
                                                        {256, 128, identity, 1},
                                                        {64, 64, identity, 1},
                                                        {48, 48, identity, 1},
                                                        {32, 32, identity, 1},
                                                        {16, 16, identity, 1},
                                                        {16, 12, identity, 1},
                                                        {48, 56, leaky_relu, 1},
                                                        {56, 12, identity, 1},
                                                        {64, 48, identity, 1},
                                                        {16, 64, identity, 1},
                                                        {64, 16, identity, 1}})
        for (const auto& [how, tile] :
             {std::pair{method::direct, 4}, {method::winograd, 4}, {method::winograd, 6}, {method::int8, 4}})
            add_convolution({inputs, outputs, 3, activation, threads, how, tile});
    for (auto [kernel, dilation] : {std::pair{3, 1}, {5, 1}, {5, 3}, {7, 1}})
        add_case("depthwise_64_k" + std::to_string(kernel) + "_d" + std::to_string(dilation),
                 [kernel = kernel, dilation = dilation](benchmark::State& s) { depthwise(s, 64, kernel, dilation); });
    const auto add_block = [](const block_case& b) {
        add_case("attention_block_" + std::to_string(b.features) + "_" + std::to_string(b.hidden) + "_k" +
                     std::to_string(b.kernel) + (b.method == method::winograd ? "_winograd" : "") +
                     (b.halves ? "_halves" : "") + "/threads:" + std::to_string(b.threads),
                 [b](benchmark::State& s) { attention_block(s, b); });
    };
    for (const block_case& b : {block_case{48, 64, 1, 1},
                                {48, 64, 1, 2},
                                {32, 64, 1, 1},
                                {64, 48, 3, 1},
                                {64, 48, 3, 1, method::winograd},
                                {64, 48, 3, 2, method::winograd}})
        add_block(b);
    if constexpr (isa::multiplies_halves)
        for (const block_case& b : {block_case{48, 64, 1, 1, method::direct, true},
                                    {48, 64, 1, 2, method::direct, true},
                                    {64, 48, 3, 1, method::winograd, true}})
            add_block(b);
    const std::pair<const char*, simple_case> cases[] = {
        {"layer_norm_48", {.kernel = isa::layer_norm, .inputs = 48, .outputs = 48, .flop = 7}},
        {"batch_norm_64", {.kernel = isa::batch_norm, .inputs = 64, .outputs = 64, .flop = 2}},
        {"silu_64", {.kernel = isa::activate, .inputs = 64, .outputs = 64, .activation = silu}},
        {"gelu_64", {.kernel = isa::activate, .inputs = 64, .outputs = 64, .activation = gelu}},
        {"prelu_64", {.kernel = isa::prelu, .inputs = 64, .outputs = 64}},
        {"add_64", {.kernel = isa::add, .inputs = 64, .outputs = 64, .two_inputs = true}},
        {"pixel_shuffle_x4", {.kernel = isa::pixel_shuffle, .inputs = 48, .outputs = 3, .factor = 4, .flop = 0}},
        {"upsample_bicubic_x4",
         {.kernel = isa::upsample,
          .inputs = 3,
          .outputs = 3,
          .factor = 4,
          .flop = 16,
          .scratch = isa::upsample_scratch}},
        {"max_pool_64_k3_s2",
         {.kernel = isa::max_pool, .inputs = 64, .outputs = 64, .flop = 9, .kernel_size = 3, .stride = 2}},
        {"global_average_pool_64",
         {.kernel = isa::global_average_pool,
          .inputs = 64,
          .outputs = 64,
          .flop = height * width,
          .whole_image = true}},
    };
    for (const auto& [name, c] : cases) add_case(name, [c = c](benchmark::State& s) { simple(s, c); });
}

} // namespace

int main(int argc, char** argv) {
    register_all();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
}
