// Kernels for a step of an optimizer over all parameters, as optimizer/adam.hpp and optimizer/sgd.hpp define it. The
// norm of the gradients, their scale and the decision whether to take the step stay on the device, where the update
// reads them. The numbers that change from step to step are in device memory too, so that recorded kernels can be
// launched again unchanged.
#pragma once
#include <cmath>

#include "fovea/backend/cuda/block_sums.hpp"
#include "fovea/backend/cuda/parameter_table.hpp"
#include "fovea/optimizer/weight_update.hpp"

namespace fovea {

// The state of a step, in device memory.
struct step_state {
    double loss, norm;
    float factor; // scale of the gradients, from clipping
    int good;     // loss and norm are finite; if not, weights, state and averages stay unchanged
};

struct adafactor_numbers {
    double size;       // size of the step, before it is multiplied by the size of the weights
    float share, kept; // share: of the new squares in the moments; kept: factor of w by weight decay
};
// The numbers that change from step to step, in device memory.
struct step_numbers {
    double most;                 // largest norm of the gradients; 0: no clipping
    float average_share, rate;   // share of new weights in their average; learning rate
    adam_factors adam;           // set if the optimizer is Adam
    adafactor_numbers adafactor; // set if it is Adafactor
};
inline step_numbers step_numbers_of(const weight_update& u) {
    step_numbers n{u.max_gradient_norm, float(u.average_share), float(u.learning_rate), {}, {}};
    if (const auto* o = std::get_if<adam_options>(&u.how)) n.adam = factors_of(*o, u.learning_rate, u.step);
    if (const auto* o = std::get_if<adafactor_options>(&u.how)) {
        const double t = double(u.step);
        n.adafactor = {std::min(u.learning_rate, 1 / std::sqrt(t)), float(std::pow(t, o->beta2_decay)),
                       float(1 - u.learning_rate * o->weight_decay)};
    }
    return n;
}

// The sum of squares of each piece of the gradients.
struct square_pieces {
    static constexpr int threads = 256;
    using shared = block_sums<1>;
    using own = nothing_kept;

    const tensor_piece* pieces;
    int count;
    const float* gradients;
    double* squares; // (pieces)

    int blocks() const { return count; }
    FOVEA_HOST_DEVICE int phases() const { return 3; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own&) const {
        if (phase == 0) {
            const tensor_piece p = pieces[block];
            const float* g = gradients + p.tensor_begin + p.begin;
            double square = 0;
            for (int i = thread; i < p.count; i += threads) square += double(g[i]) * double(g[i]);
            s.of_thread[0][thread] = square;
        } else if (phase == 1)
            s.fold(thread);
        else if (thread == 0)
            squares[block] = s.total(0);
    }
};

// Computes the norm of each tensor and of all gradients from the sums of squares, and decides whether the step is
// taken.
struct judge_step {
    static constexpr int threads = 256;
    using shared = block_sums<1>;
    using own = nothing_kept;

    const double* squares; // (pieces)
    const int* first;      // (tensors + 1): index of each tensor's first piece
    int tensors;
    const step_numbers* numbers;
    double* norms; // (tensors)
    step_state* state;

    static int blocks() { return 1; }
    FOVEA_HOST_DEVICE int phases() const { return 3; }
    FOVEA_HOST_DEVICE void operator()(int phase, int, int thread, shared& s, own&) const {
        if (phase == 0) {
            double all = 0;
            for (int t = thread; t < tensors; t += threads) {
                double square = 0;
                for (int i = first[t]; i < first[t + 1]; ++i) square += squares[i];
                norms[t] = sqrt(square);
                all += square;
            }
            s.of_thread[0][thread] = all;
        } else if (phase == 1)
            s.fold(thread);
        else if (thread == 0)
            finish(sqrt(s.total(0)));
    }

  private:
    FOVEA_HOST_DEVICE void finish(double norm) const {
        const double most = numbers->most, factor = most / (norm + 1e-6);
        state->norm = norm;
        state->good = fabs(norm) < HUGE_VAL && fabs(state->loss) < HUGE_VAL;
        state->factor = most > 0 && factor < 1 ? float(factor) : 1.f;
    }
};

// What every update rule is given.
struct updated_weights {
    const step_state* state;
    const step_numbers* numbers;
    float *w, *average;     // all parameters, one after the other; average: null if there is none
    const float* gradients; // gradients of w, in the same order

    FOVEA_HOST_DEVICE bool good() const { return state->good != 0; }
    FOVEA_HOST_DEVICE float gradient(std::ptrdiff_t i) const { return state->factor * gradients[i]; }
    FOVEA_HOST_DEVICE void put(std::ptrdiff_t i, float value) const {
        w[i] = value;
        if (average) average[i] += numbers->average_share * (value - average[i]);
    }
};

struct adam_update {
    updated_weights all;
    float *m, *v;

    FOVEA_HOST_DEVICE void operator()(const tensor_piece& p, std::ptrdiff_t at) const {
        if (!all.good()) return;
        const adam_factors f = all.numbers->adam;
        const std::ptrdiff_t i = p.tensor_begin + at;
        const float w = all.w[i] * f.kept, g = all.gradient(i) + f.decay * w;
        m[i] = f.beta1 * m[i] + f.rest1 * g;
        v[i] = f.beta2 * v[i] + f.rest2 * g * g;
        all.put(i, w - f.size * m[i] / (sqrtf(v[i]) / f.root + f.epsilon));
    }
};

struct sgd_update {
    updated_weights all;
    float* velocity;
    float momentum, decay;
    bool nesterov;

    sgd_update(const updated_weights& w, float* v, const sgd_options& o)
        : all(w), velocity(v), momentum(float(o.momentum)), decay(float(o.weight_decay)), nesterov(o.nesterov) {}

    FOVEA_HOST_DEVICE void operator()(const tensor_piece& p, std::ptrdiff_t at) const {
        if (!all.good()) return;
        const std::ptrdiff_t i = p.tensor_begin + at;
        const float w = all.w[i], g = all.gradient(i) + decay * w;
        const float v = velocity[i] = momentum * velocity[i] + g;
        all.put(i, w - all.numbers->rate * (nesterov ? g + momentum * v : v));
    }
};

} // namespace fovea
