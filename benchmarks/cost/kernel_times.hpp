// Calls of CPU kernels on images of their own, and what they take: seconds of processor time on one thread, so that
// other programs on the machine do not count.
#pragma once
#include <vector>

#include "fovea/backend/cpu/kernel_table.hpp"
#include "ops/image.hpp"
#include "ops/times.hpp"

namespace fovea_bench {

// Seconds that f() takes once, from so many runs that they take 10 ms together.
template <class F> double seconds_once(const F& f) {
    for (int runs = 1;; runs *= 2) {
        const double start = thread_seconds();
        for (int i = 0; i < runs; ++i) f();
        const double taken = thread_seconds() - start;
        if (taken > 0.01) return taken / runs;
    }
}

inline constexpr int repetitions = 9;

template <class F> double seconds(const F& f) {
    f(); // touches its memory
    std::vector<double> all;
    for (int i = 0; i < repetitions; ++i) all.push_back(seconds_once(f));
    return median(all);
}
// f's time as a share of g's. Both are measured in turn, because clocks change with load and temperature.
template <class F, class G> double ratio(const F& f, const G& g) {
    f(), g();
    std::vector<double> all;
    for (int i = 0; i < repetitions; ++i) {
        const double with_f = seconds_once(f);
        all.push_back(with_f / seconds_once(g));
    }
    return median(all);
}

// A kernel with its call: f() runs it on the pixels `c.rows` x `c.cols`.
struct kernel_call {
    std::vector<image> images;
    std::vector<floats> weights;
    floats scratch;
    fovea::kernel run = nullptr;
    fovea::call c;

    const float* add_weight(std::size_t count) { return weights.emplace_back(make_floats(count)).get(); }
    void reserve(fovea::scratch_size bytes) {
        scratch = make_floats((bytes ? bytes(c) : 0) / sizeof(float) + 1);
        c.scratch = reinterpret_cast<std::byte*>(scratch.get());
    }
    void operator()() const { run(c); }
};

// y = f(x), one or two inputs of y's shape.
inline kernel_call simple_call(fovea::kernel run, int height, int width, int channels, int inputs = 1,
                               fovea::activation_kind activation = fovea::activation_kind::identity) {
    kernel_call k;
    for (int i = 0; i <= inputs; ++i) k.images.emplace_back(height, width, channels);
    k.run = run;
    k.c.a.activation = activation;
    k.c.images = {0, 1}, k.c.rows = {0, height}, k.c.cols = {0, width};
    k.c.y = k.images[0].view;
    for (int i = 0; i < inputs; ++i) k.c.x[std::size_t(i)] = k.images[std::size_t(i) + 1].view;
    k.c.w.fill(k.add_weight(std::size_t(channels)));
    return k;
}

// A 3x3 convolution of a square of pixels, a multiple of both kinds of Winograd's tiles on each side.
inline constexpr int side = 252;
inline kernel_call convolution_call(const fovea::convolution_kernels& by, int inputs, int outputs, int tile = 4,
                                    bool halves = false) {
    kernel_call k;
    k.images.emplace_back(side, side, inputs, 8), k.images.emplace_back(side, side, outputs);
    fovea::preparation_call p;
    p.a.kernel = 3, p.a.tile = tile, p.a.halves = halves, p.a.input = {.step = 0.6f / 255, .zero = 128};
    p.dims[0] = {outputs, inputs, 3, 3};
    p.w[0] = k.add_weight(fovea::count(p.dims[0]));
    p.out = k.weights.emplace_back(make_floats(by.packed_bytes(p) / sizeof(float))).get();
    by.pack(p);
    k.run = by.run;
    k.c.a = p.a, k.c.dims = p.dims[0];
    k.c.images = {0, 1}, k.c.rows = {0, side}, k.c.cols = {0, side};
    k.c.x[0] = k.images[0].view, k.c.y = k.images[1].view;
    k.c.w = {p.out, k.add_weight(std::size_t(outputs))};
    k.reserve(by.scratch);
    return k;
}

// VapSR's block of 48 features and 64 hidden channels, on `size` x `size` pixels in the middle of a larger image.
inline kernel_call block_call(const fovea::kernel_table& kernels, int size) {
    constexpr int f = 48, a = 64;
    kernel_call k;
    k.images.emplace_back(side, side, f, 8), k.images.emplace_back(side, side, f);
    fovea::preparation_call p;
    p.a.kernel = 1, p.a.hidden = a;
    p.dims = attention_weights(f, a, 1);
    for (std::size_t i = 0; i < 12; ++i) p.w[i] = k.add_weight(fovea::count(p.dims[i]));
    p.out = k.weights.emplace_back(make_floats(kernels.packed_attention_block_bytes(p) / sizeof(float))).get();
    kernels.pack_attention_block(p);
    const fovea::range middle{(side - size) / 2, (side + size) / 2};
    k.run = kernels.attention_block;
    k.c.a = p.a, k.c.dims = p.dims[0];
    k.c.images = {0, 1}, k.c.rows = middle, k.c.cols = middle;
    k.c.x[0] = k.images[0].view, k.c.y = k.images[1].view;
    k.c.w[0] = p.out;
    k.reserve(kernels.attention_block_scratch);
    return k;
}

} // namespace fovea_bench
