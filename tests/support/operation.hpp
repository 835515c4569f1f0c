// Runs a kernel on tensors: whole, or in random rectangles of which each sees no more of its inputs than it may read.
#pragma once
#include <cstring>
#include <functional>

#include "fovea/backend/cpu/kernel_table.hpp"
#include "support/catch.hpp"
#include "support/tensors.hpp"

namespace fovea_test {

using fovea::range;

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

struct operation {
    fovea::kernel run = nullptr;
    fovea::scratch_size scratch = nullptr;
    fovea::attributes a;
    fovea::weight_shape dims{};
    std::vector<const void*> w;
    // Of x[0], the rows or columns that outputs [r.begin, r.end) are made of; `size` is the extent of x[0].
    std::function<range(range r, int size)> footprint = [](range r, int) { return r; };
};

// y's pixels rows x cols.
inline void compute(const operation& op, const std::vector<const tensor*>& x, tensor& y, range rows, range cols) {
    std::vector<kept> inputs;
    fovea::call c;
    for (std::size_t i = 0; i < x.size(); ++i) {
        const tensor& t = *x[i];
        inputs.emplace_back(t.n, t.h, t.w, t.c, i == 0 ? op.footprint(rows, t.h) : rows,
                            i == 0 ? op.footprint(cols, t.w) : cols);
        inputs.back().fill(t);
        c.x[i] = inputs.back().view;
    }
    kept output(y.n, y.h, y.w, y.c, rows, cols);
    c.y = output.view;
    c.a = op.a;
    c.images = {0, y.n};
    c.rows = rows;
    c.cols = cols;
    c.dims = op.dims;
    std::copy(op.w.begin(), op.w.end(), c.w.begin());
    aligned_bytes scratch(op.scratch ? op.scratch(c) : 0);
    c.scratch = scratch.get();
    op.run(c);
    output.copy_to(y);
}

inline void compute_in_pieces(const operation& op, const std::vector<const tensor*>& x, tensor& y, range rows,
                              range cols, std::mt19937& random) {
    const bool down = rows.size() > 1 && (cols.size() == 1 || random() % 2);
    const range along = down ? rows : cols;
    if (along.size() == 1 || rows.size() * cols.size() < 40 || random() % 6 == 0) return compute(op, x, y, rows, cols);
    const int cut = along.begin + 1 + int(random() % unsigned(along.size() - 1));
    for (range part : {range{along.begin, cut}, range{cut, along.end}})
        compute_in_pieces(op, x, y, down ? part : rows, down ? cols : part, random);
}

// The whole output, having checked that random rectangles give the same bits.
inline tensor result(const operation& op, const std::vector<const tensor*>& x, int height, int width, int channels) {
    tensor whole(x[0]->n, height, width, channels), pieces = whole;
    compute(op, x, whole, {0, height}, {0, width});
    std::mt19937 random(unsigned(height * 1000 + width));
    for (int repeat = 0; repeat < 2; ++repeat) {
        compute_in_pieces(op, x, pieces, {0, height}, {0, width}, random);
        const bool same_bits =
            std::memcmp(whole.data.data(), pieces.data.data(), sizeof(float) * whole.data.size()) == 0;
        CHECK(same_bits);
    }
    return whole;
}

// Largest difference; infinite where one is NaN and the other is not.
template <class A, class B> double difference(const std::vector<A>& a, const std::vector<B>& b) {
    REQUIRE(a.size() == b.size());
    double worst = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        const double x = double(a[i]), y = double(b[i]);
        if (std::isnan(x) != std::isnan(y)) return std::numeric_limits<double>::infinity();
        if (!std::isnan(x) && x != y) worst = std::max(worst, std::fabs(x - y));
    }
    return worst;
}

} // namespace fovea_test
