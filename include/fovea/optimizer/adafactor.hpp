// Adafactor (Shazeer and Stern 2018, arXiv 1804.04235) as PyTorch 2.5 and later define it. The second moment of a
// weight with two or more dimensions is factored into one number per row and one per column of its last two dimensions:
//
//   s = t^beta2_decay
//   r = lerp(r, mean of g^2 along a row, s), c = lerp(c, mean of g^2 along a column, s)
//   v = r c / max(mean of r, eps1)             for vectors: v = lerp(v, g^2, s)
//   u = g / sqrt(max(v, eps1^2))
//   w -= max(eps2, rms(w)) min(learning rate, 1/sqrt(t)) u / max(1, rms(u) / d)
//
// t is the number of the step, from 1 on. Weight decay multiplies w by 1 - learning rate * weight_decay before.
#pragma once
#include <algorithm>
#include <type_traits>

#include "fovea/optimizer/optimizer.hpp"

namespace fovea {

// The constants of Adafactor, named as in the rule of adafactor.hpp.
struct adafactor_options {
    double beta2_decay = -0.8, eps1 = std::numeric_limits<float>::epsilon(), eps2 = 1e-3, d = 1, weight_decay = 0;
    bool low_memory = false; // computes u twice instead of keeping it; same result
    bool operator==(const adafactor_options&) const = default;
};

// The optimizer Adafactor; its state is one number per row and one per column of a weight.
class adafactor {
  public:
    explicit adafactor(const adafactor_options& o = {}) : o_(o) {}
    // The constants that it was made with.
    const adafactor_options& options() const { return o_; }
    static constexpr const char* name = "adafactor";
    std::int64_t steps = 0;

    void prepare(std::span<const parameter> parameters) {
        if (!rows_.of.empty()) return;
        for (auto& p : parameters) {
            const bool factored = p.rank > 1;
            const shape s(p);
            rows_.of.emplace_back(factored ? s.matrices * s.rows : p.size(), 0.f); // for a vector, v itself
            columns_.of.emplace_back(factored ? s.matrices * s.columns : 0, 0.f);
        }
    }

    void step(std::span<const parameter> parameters, double learning_rate, context* threads = nullptr) {
        prepare(parameters);
        ++steps;
        kept_.resize(threads ? std::size_t(threads->threads()) : 1);
        const auto one = [&](int k, int worker) noexcept {
            step(parameters[std::size_t(k)], std::size_t(k), learning_rate, kept_[std::size_t(worker)]);
        };
        if (threads) return threads->parallel_for_uneven(int(parameters.size()), one);
        for (int k = 0; k < int(parameters.size()); ++k) one(k, 0);
    }
    template <class F> void each_state(F f) { f("rows", rows_.of), f("columns", columns_.of); }

  private:
    struct shape { // a weight as a stack of matrices over its last two dimensions
        std::size_t matrices = 1, rows = 1, columns = 1;
        explicit shape(const parameter& p) {
            columns = std::size_t(p.dims[std::size_t(p.rank) - 1]);
            if (p.rank > 1) rows = std::size_t(p.dims[std::size_t(p.rank) - 2]);
            matrices = p.size() / (rows * columns);
        }
    };
    void step(const parameter& p, std::size_t k, double learning_rate, std::vector<float>& kept) {
        const double t = double(steps), size = std::min(learning_rate, 1 / std::sqrt(t));
        const double alpha = std::max(o_.eps2, root_mean_square(p.values())) * size;
        if (o_.weight_decay != 0)
            for (float& w : p.values()) w *= float(1 - learning_rate * o_.weight_decay);
        update_moments(p, k, float(std::pow(t, o_.beta2_decay)));
        if (!o_.low_memory) kept.resize(std::max(kept.size(), p.size()));
        double square = 0;
        each_update(p, k, [&](std::size_t i, float u) {
            square += double(u) * double(u);
            if (!o_.low_memory) kept[i] = u;
        });
        const double clipped = std::max(1., std::sqrt(square / double(p.size())) / o_.d);
        const float factor = float(alpha / clipped);
        if (o_.low_memory)
            each_update(p, k, [&](std::size_t i, float u) { p.value[i] -= factor * u; });
        else
            for (std::size_t i = 0; i < p.size(); ++i) p.value[i] -= factor * kept[i];
    }
    static double root_mean_square(std::span<const float> v) {
        double square = 0;
        for (float x : v) square += double(x) * double(x);
        return std::sqrt(square / double(v.size()));
    }
    static float lerp(float from, float to, float share) { return from + share * (to - from); }

    void update_moments(const parameter& p, std::size_t k, float share) {
        if (p.rank <= 1) {
            for (std::size_t i = 0; i < p.size(); ++i)
                rows_[k][i] = lerp(rows_[k][i], p.gradient[i] * p.gradient[i], share);
            return;
        }
        const shape s(p);
        for (std::size_t m = 0; m < s.matrices; ++m) {
            const float* g = p.gradient + m * s.rows * s.columns;
            for (std::size_t r = 0; r < s.rows; ++r) {
                double square = 0;
                for (std::size_t c = 0; c < s.columns; ++c)
                    square += double(g[r * s.columns + c]) * double(g[r * s.columns + c]);
                float& at = rows_[k][m * s.rows + r];
                at = lerp(at, float(square / double(s.columns)), share);
            }
            for (std::size_t c = 0; c < s.columns; ++c) {
                double square = 0;
                for (std::size_t r = 0; r < s.rows; ++r)
                    square += double(g[r * s.columns + c]) * double(g[r * s.columns + c]);
                float& at = columns_[k][m * s.columns + c];
                at = lerp(at, float(square / double(s.rows)), share);
            }
        }
    }

    // Calls f(index, u) for every number of the parameter.
    template <class F> void each_update(const parameter& p, std::size_t k, F f) {
        const float least = float(o_.eps1 * o_.eps1);
        const auto u = [&](std::size_t i, float v) { f(i, p.gradient[i] / std::sqrt(std::max(v, least))); };
        if (p.rank <= 1) {
            for (std::size_t i = 0; i < p.size(); ++i) u(i, rows_[k][i]);
            return;
        }
        const shape s(p);
        for (std::size_t m = 0; m < s.matrices; ++m) {
            const float *rows = rows_[k].data() + m * s.rows, *columns = columns_[k].data() + m * s.columns;
            double mean = 0;
            for (std::size_t r = 0; r < s.rows; ++r) mean += double(rows[r]) / double(s.rows);
            const float divisor = std::max(float(mean), float(o_.eps1));
            for (std::size_t r = 0; r < s.rows; ++r)
                for (std::size_t c = 0; c < s.columns; ++c)
                    u((m * s.rows + r) * s.columns + c, rows[r] * columns[c] / divisor);
        }
    }

    adafactor_options o_;
    optimizer_state rows_, columns_;
    std::vector<std::vector<float>> kept_; // u of one parameter, for each worker
};

static_assert(optimizer<adafactor>);

} // namespace fovea
