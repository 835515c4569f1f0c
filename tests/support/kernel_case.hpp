// A kernel and everything that it is called with. A test says which kernel, its attributes, its weights and what it reads;
// the case arranges the weights as the backend does, makes windows that keep no more than the call may read, and runs the
// kernel on tensors: whole, and in random rectangles, which must give the same bits.
#pragma once
#include <functional>
#include <random>
#include <vector>

#include "fovea/backend/cpu/kernel_table.hpp"
#include "support/catch.hpp"
#include "support/compare.hpp"
#include "support/windows.hpp"

namespace fovea_test {

using fovea::range;
using float_tensor = fovea::tensor<float>;

inline std::vector<const fovea::kernel_table*> kernels_of_sets(std::initializer_list<const char*> names) {
    std::vector<const fovea::kernel_table*> all;
    for (const char* name : names)
        if (const auto* kernels = fovea::kernels_of(name)) all.push_back(kernels);
    return all;
}
// Every set of kernels that can run here; avx512vnni is avx512 but for 8 bits, avx512fp16 avx512vnni but for half
// precision.
inline auto all_kernels() { return kernels_of_sets({"avx512fp16", "avx512", "avx2", "neon", "baseline"}); }
inline auto all_int8_kernels() { return kernels_of_sets({"avx512vnni", "avx512", "avx2", "neon", "baseline"}); }

// A tensor of numbers in [-1, 1), as kernels are tested with.
inline float_tensor signed_tensor(int batch, int height, int width, int channels, std::uint64_t seed) {
    return random_tensor(batch, height, width, channels, seed, -1, 1);
}

struct weight_to_pack {
    const std::vector<float>& values;
    fovea::weight_shape dims;
};

class kernel_case {
  public:
    using reading = std::function<range(range outputs, int size)>;

    fovea::kernel run = nullptr;
    fovea::scratch_size scratch = nullptr;
    fovea::attributes a{};
    std::vector<const void*> weights{}; // as the kernel is given them; the test keeps those that are not arranged
    fovea::weight_shape dims{};         // of the first weight, as in the weight file
    // Of the first input, the rows or columns that outputs [r.begin, r.end) are made of; `size` is its extent.
    reading reads = [](range r, int) { return r; };

    // Arranges weights by the attributes, which must be set, and makes the result the kernel's first weight.
    kernel_case& pack(fovea::preparation_size bytes, fovea::preparation_kernel arrange,
                      std::initializer_list<weight_to_pack> from) {
        fovea::preparation_call p;
        p.a = a;
        std::size_t i = 0;
        for (auto& w : from) {
            if (w.values.size() != fovea::count(w.dims))
                fovea::fail("weight ", i, ": ", w.values.size(), " numbers, expected ", fovea::count(w.dims));
            p.w[i] = w.values.data(), p.dims[i++] = w.dims;
        }
        packed_ = aligned_bytes(bytes(p));
        p.out = packed_.get();
        arrange(p);
        dims = p.dims[0];
        weights.insert(weights.begin(), packed_.get());
        return *this;
    }

    // The call of y's pixels rows x cols, for windows and scratch that outlive it.
    fovea::call call_for(std::span<const fovea::window> x, const fovea::window& y, int images, range rows,
                         range cols) const {
        fovea::call c;
        c.a = a, c.dims = dims;
        c.images = {0, images}, c.rows = rows, c.cols = cols;
        std::copy(x.begin(), x.end(), c.x.begin());
        c.y = y;
        std::copy(weights.begin(), weights.end(), c.w.begin());
        return c;
    }
    void execute(fovea::call c) const { // with scratch of its own
        const aligned_bytes memory(scratch ? scratch(c) : 0);
        c.scratch = memory.get();
        run(c);
    }

    // y's pixels rows x cols, which see of x what they may read.
    void compute(const std::vector<const float_tensor*>& x, float_tensor& y, range rows, range cols) const {
        std::vector<kept> inputs;
        std::vector<fovea::window> windows;
        for (const float_tensor* t : x) {
            const bool first = inputs.empty();
            inputs.emplace_back(t->batch(), t->height(), t->width(), t->channels(),
                                first ? reads(rows, t->height()) : rows, first ? reads(cols, t->width()) : cols);
            inputs.back().fill(t->view());
            windows.push_back(inputs.back().view);
        }
        const kept output(y.batch(), y.height(), y.width(), y.channels(), rows, cols);
        execute(call_for(windows, output.view, y.batch(), rows, cols));
        output.copy_to(y.view());
    }
    // The whole output, having checked that random rectangles give the same bits.
    float_tensor result(const std::vector<const float_tensor*>& x, int height, int width, int channels) const {
        float_tensor whole(x[0]->batch(), height, width, channels), pieces(x[0]->batch(), height, width, channels);
        compute(x, whole, {0, height}, {0, width});
        std::mt19937 random(unsigned(height * 1000 + width));
        for (int repeat = 0; repeat < 2; ++repeat) {
            compute_in_pieces(x, pieces, {0, height}, {0, width}, random);
            CHECK(same_bits(whole, pieces));
        }
        return whole;
    }

  private:
    void compute_in_pieces(const std::vector<const float_tensor*>& x, float_tensor& y, range rows, range cols,
                           std::mt19937& random) const {
        const bool down = rows.size() > 1 && (cols.size() == 1 || random() % 2);
        const range along = down ? rows : cols;
        if (along.size() == 1 || rows.size() * cols.size() < 40 || random() % 6 == 0) return compute(x, y, rows, cols);
        const int cut = along.begin + 1 + int(random() % unsigned(along.size() - 1));
        for (range part : {range{along.begin, cut}, range{cut, along.end}})
            compute_in_pieces(x, y, down ? part : rows, down ? cols : part, random);
    }

    aligned_bytes packed_;
};

// One input, without weights, and outputs at the places of inputs.
inline kernel_case pointwise_case(fovea::kernel run, std::vector<const void*> weights = {}) {
    kernel_case k;
    k.run = run, k.weights = std::move(weights);
    return k;
}

} // namespace fovea_test
