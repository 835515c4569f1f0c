// Kernels for a step of Adafactor (optimizer/adafactor.hpp) over all parameters: the second moments of rows and of
// columns, the mean of the rows of each matrix, the sums of w^2 and u^2, and the update. u is computed twice rather
// than stored.
#pragma once
#include "fovea/optimizer/cuda/update.hpp"

namespace fovea {

// A tensor as a stack of matrices over its last two dimensions. For a vector, `rows` of the state hold v itself. The
// *_begin members are offsets into the arrays of adafactor_state.
struct factored_tensor {
    std::ptrdiff_t rows_begin, columns_begin, matrices_begin;
    int rows, columns; // size of a matrix; columns is 0 for a vector

    FOVEA_HOST_DEVICE bool factored() const { return columns > 0; }
};

struct adafactor_state {
    updated_weights all;
    const factored_tensor* tensors;
    float *rows, *columns, *means; // means: mean of the rows of each matrix, at least eps1
    float eps1;

    FOVEA_HOST_DEVICE static float lerp(float from, float to, float part) { return from + part * (to - from); }

    // u of number `at` of a tensor that begins at `begin` in the array of all parameters.
    FOVEA_HOST_DEVICE float update(int tensor, std::ptrdiff_t begin, std::ptrdiff_t at) const {
        const factored_tensor& t = tensors[tensor];
        float v = 0;
        if (t.factored()) {
            const std::ptrdiff_t row = at / t.columns, matrix = row / t.rows;
            v = rows[t.rows_begin + row] * columns[t.columns_begin + matrix * t.columns + at % t.columns] /
                means[t.matrices_begin + matrix];
        } else
            v = rows[t.rows_begin + at];
        return all.gradient(begin + at) / sqrtf(fmaxf(v, eps1 * eps1));
    }
};

// Updates the moments r (of_columns false) or c (true). Each thread updates one of them; the pieces divide the array of
// rows or of columns.
struct adafactor_moments {
    adafactor_state s;
    const std::ptrdiff_t* begins; // (tensors): where each tensor begins among the gradients
    bool of_columns;

    FOVEA_HOST_DEVICE void operator()(const tensor_piece& p, std::ptrdiff_t at) const {
        if (!s.all.good()) return;
        const factored_tensor& t = s.tensors[p.tensor];
        const std::ptrdiff_t begin = begins[p.tensor];
        float& moment = (of_columns ? s.columns : s.rows)[p.tensor_begin + at];
        if (!t.factored()) {
            const float g = s.all.gradient(begin + at);
            moment = adafactor_state::lerp(moment, g * g, s.all.numbers->adafactor.share);
            return;
        }
        const int numbers = of_columns ? t.rows : t.columns, step = of_columns ? t.columns : 1;
        const std::ptrdiff_t first =
            begin + (of_columns ? at / t.columns * t.rows * t.columns + at % t.columns : at * t.columns);
        double square = 0;
        for (int i = 0; i < numbers; ++i) {
            const double g = double(s.all.gradient(first + std::ptrdiff_t(i) * step));
            square += g * g;
        }
        moment = adafactor_state::lerp(moment, float(square / numbers), s.all.numbers->adafactor.share);
    }
};

struct adafactor_means {
    adafactor_state s;
    FOVEA_HOST_DEVICE void operator()(const tensor_piece& p, std::ptrdiff_t matrix) const {
        if (!s.all.good()) return;
        const factored_tensor& t = s.tensors[p.tensor];
        double mean = 0;
        for (int r = 0; r < t.rows; ++r) mean += double(s.rows[t.rows_begin + matrix * t.rows + r]) / t.rows;
        s.means[p.tensor_begin + matrix] = fmaxf(float(mean), s.eps1);
    }
};

// The sums of w^2 and u^2 of each piece.
struct adafactor_squares {
    static constexpr int threads = 256;
    using shared = block_sums<2>;
    using own = nothing_kept;

    adafactor_state s;
    const tensor_piece* pieces;
    int count;
    double* squares; // (pieces, 2)

    int blocks() const { return count; }
    FOVEA_HOST_DEVICE int phases() const { return 3; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& sums, own&) const {
        if (phase == 0) {
            const tensor_piece p = pieces[block];
            double of_w = 0, of_u = 0;
            for (int i = thread; i < p.count; i += threads) {
                const double w = double(s.all.w[p.tensor_begin + p.begin + i]),
                             u = double(s.update(p.tensor, p.tensor_begin, p.begin + i));
                of_w += w * w, of_u += u * u;
            }
            sums.of_thread[0][thread] = of_w, sums.of_thread[1][thread] = of_u;
        } else if (phase == 1)
            sums.fold(thread);
        else if (thread < 2)
            squares[2 * block + thread] = sums.total(thread);
    }
};

// The factor of u in the update of each tensor.
struct adafactor_factors {
    static constexpr int threads = 256;
    using shared = nothing_kept;
    using own = nothing_kept;

    const double* squares; // (pieces, 2)
    const tensor_piece* pieces;
    const int* first; // (tensors + 1): index of each tensor's first piece
    int tensors;
    double eps2, d;
    const step_numbers* step;
    float* factors; // (tensors)

    int blocks() const { return blocks_for(tensors, threads); }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int block, int thread, shared&, own&) const {
        const int t = block * threads + thread;
        if (t >= tensors) return;
        double of_w = 0, of_u = 0, numbers = 0;
        for (int i = first[t]; i < first[t + 1]; ++i)
            of_w += squares[2 * i], of_u += squares[2 * i + 1], numbers += pieces[i].count;
        const double alpha = fmax(eps2, sqrt(of_w / numbers)) * step->adafactor.size,
                     clipped = fmax(1., sqrt(of_u / numbers) / d);
        factors[t] = float(alpha / clipped);
    }
};

struct adafactor_update {
    adafactor_state s;
    const float* factors; // (tensors)

    FOVEA_HOST_DEVICE void operator()(const tensor_piece& p, std::ptrdiff_t at) const {
        if (!s.all.good()) return;
        const std::ptrdiff_t i = p.tensor_begin + at;
        s.all.put(
            i, s.all.w[i] * s.all.numbers->adafactor.kept - factors[p.tensor] * s.update(p.tensor, p.tensor_begin, at));
    }
};

} // namespace fovea
