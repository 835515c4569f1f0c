// What an optimizer is, and what all of them share. A type of your own that models `optimizer` can be given to a
// trainer:
//
//   struct my_optimizer {
//       static constexpr const char* name = "my_optimizer";            // kept in checkpoints
//       std::int64_t steps = 0;                                        // that were done; step() adds one
//       void prepare(std::span<const parameter>);                      // makes the state, if there is none yet
//       void step(std::span<const parameter>, double learning_rate, context* threads);
//       // f(kind, std::vector<std::vector<float>>&), a vector for each parameter: the state that checkpoints keep
//       template <class F> void each_state(F f);
//   };
//
// step() overwrites the values of the parameters and reads their gradients. The state has one vector for each parameter
// and kind; it is allocated at the first step, and a run that is resumed calls prepare() first and fills it. The
// threads (null: the calling one alone) share pieces of fixed size, so that their number does not change the result.
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

namespace detail {

struct state_visitor { // what each_state() is given
    void operator()(const std::string& kind, std::vector<std::vector<float>>& of) const;
};

} // namespace detail

// A type that a trainer can train with.
template <class O>
concept optimizer = requires(O o, std::span<const parameter> p, detail::state_visitor visit) {
    o.step(p, 1e-3, static_cast<context*>(nullptr));
    o.prepare(p);
    o.each_state(visit);
    { o.steps } -> std::same_as<std::int64_t&>;
    { O::name } -> std::convertible_to<const char*>;
};

// One kind of state: a vector of numbers for each parameter, initially zero.
struct optimizer_state {
    std::vector<std::vector<float>> of;
    void prepare(std::span<const parameter> parameters) {
        if (!of.empty()) return;
        for (auto& p : parameters) of.emplace_back(p.size(), 0.f);
    }
    // The numbers of parameter i.
    std::vector<float>& operator[](std::size_t i) { return of[i]; }
};

// The numbers [begin, end) of one parameter.
struct parameter_piece {
    std::size_t parameter, begin, end;
};

// Divides the parameters into pieces. They depend only on the sizes of the parameters, not on the number of threads.
inline std::vector<parameter_piece> pieces_of(std::span<const parameter> parameters) {
    constexpr std::size_t most = 1 << 14;
    std::vector<parameter_piece> pieces;
    for (std::size_t k = 0; k < parameters.size(); ++k)
        for (std::size_t begin = 0, n = parameters[k].size(); begin < n; begin += most)
            pieces.push_back({k, begin, std::min(begin + most, n)});
    return pieces;
}
// Calls f(index) for every index of [0, n), on the threads if there are any.
template <class F> void share(context* threads, std::size_t n, F f) {
    const auto one = [&](int i, int) noexcept { f(std::size_t(i)); };
    if (threads) return threads->parallel_for(int(n), one);
    for (int i = 0; i < int(n); ++i) one(i, 0);
}
template <class F> void each_piece(std::span<const parameter> parameters, context* threads, F f) {
    const auto pieces = pieces_of(parameters);
    share(threads, pieces.size(), [&](std::size_t i) { f(pieces[i]); });
}

// The sum of squares in double. Eight independent sums let the additions overlap.
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

// Returns the Euclidean norm of all gradients together, and sets each[k] to that of parameter k. Computed in double;
// the number of threads does not change it. The result is not finite if one gradient is not.
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

// Scales all gradients so that their norm, given as `norm`, becomes at most `most`. The factor is most / (norm + 1e-6),
// as in PyTorch.
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
