// What an optimizer is, and what all of them share. A type of your own that models `optimizer` can be given to a trainer:
//
//   struct my_optimizer {
//       static constexpr const char* name = "my_optimizer";            // kept in checkpoints
//       std::int64_t steps = 0;                                        // that were done; step() adds one
//       void prepare(std::span<const parameter>);                      // makes the state, if there is none yet
//       // w and the state from the gradients; `threads` null: one thread
//       void step(std::span<const parameter>, double learning_rate, context* threads);
//       // f(kind, std::vector<std::vector<float>>&), a vector for each parameter: the state that checkpoints keep
//       template <class F> void each_state(F f);
//   };
//
// Threads share fixed pieces of the numbers, so that their number changes no bit.
#pragma once
#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "fovea/core/threads.hpp"
#include "fovea/graph/parameter.hpp"

namespace fovea {

template <class O>
concept optimizer = requires(O o, std::span<const parameter> p) {
    o.step(p, 1e-3, static_cast<context*>(nullptr));
    o.prepare(p);
    o.each_state([](const std::string&, std::vector<std::vector<float>>&) {});
    { o.steps } -> std::same_as<std::int64_t&>;
    { O::name } -> std::convertible_to<const char*>;
};

// One vector of numbers for each parameter.
struct optimizer_state {
    std::vector<std::vector<float>> of;
    void prepare(std::span<const parameter> parameters) {
        if (!of.empty()) return;
        for (auto& p : parameters) of.emplace_back(p.size(), 0.f);
    }
    std::vector<float>& operator[](std::size_t i) { return of[i]; }
};

// Numbers [begin, end) of a parameter.
struct parameter_piece {
    std::size_t parameter, begin, end;
};

// They depend on the parameters' sizes alone.
inline std::vector<parameter_piece> pieces_of(std::span<const parameter> parameters) {
    constexpr std::size_t most = 1 << 14;
    std::vector<parameter_piece> pieces;
    for (std::size_t k = 0; k < parameters.size(); ++k)
        for (std::size_t begin = 0, n = parameters[k].size(); begin < n; begin += most)
            pieces.push_back({k, begin, std::min(begin + most, n)});
    return pieces;
}
// f(index) for every index of [0, n), on the threads if there are any.
template <class F> void share(context* threads, std::size_t n, F f) {
    const auto one = [&](int i, int) noexcept { f(std::size_t(i)); };
    if (threads) return threads->parallel_for(int(n), one);
    for (int i = 0; i < int(n); ++i) one(i, 0);
}
template <class F> void each_piece(std::span<const parameter> parameters, context* threads, F f) {
    const auto pieces = pieces_of(parameters);
    share(threads, pieces.size(), [&](std::size_t i) { f(pieces[i]); });
}

// The sum of squares, in double.
inline double sum_of_squares(const float* x, std::size_t count) {
    constexpr std::size_t chains = 8;
    double sums[chains] = {}, rest = 0;
    std::size_t i = 0;
    for (; i + chains <= count; i += chains)
        for (std::size_t k = 0; k < chains; ++k) sums[k] += double(x[i + k]) * double(x[i + k]);
    for (; i < count; ++i) rest += double(x[i]) * double(x[i]);
    for (double s : sums) rest += s;
    return rest;
}

// The Euclidean norm of all gradients together, and into `each` those of single parameters; in double, the same on any
// number of threads. Not finite when one gradient is not.
inline double gradient_norm(std::span<const parameter> parameters, std::vector<double>& each,
                            context* threads = nullptr) {
    const auto pieces = pieces_of(parameters);
    std::vector<double> squares(pieces.size());
    share(threads, pieces.size(), [&](std::size_t i) {
        const auto [k, begin, end] = pieces[i];
        squares[i] = sum_of_squares(parameters[k].gradient + begin, end - begin);
    });
    each.assign(parameters.size(), 0);
    for (std::size_t i = 0; i < pieces.size(); ++i) each[pieces[i].parameter] += squares[i];
    double all = 0;
    for (double& square : each) {
        all += square;
        square = std::sqrt(square);
    }
    return std::sqrt(all);
}

// Scales all gradients, whose norm is `norm`, so that it is at most `most`. The quotient has 1e-6 added below it, as
// frameworks do.
inline void clip_gradients(std::span<const parameter> parameters, double norm, double most,
                           context* threads = nullptr) {
    const double factor = most / (norm + 1e-6);
    if (factor >= 1) return;
    each_piece(parameters, threads, [&](const parameter_piece& piece) {
        float* g = parameters[piece.parameter].gradient;
        for (std::size_t i = piece.begin; i < piece.end; ++i) g[i] *= float(factor);
    });
}

} // namespace fovea
