// The end of a training step on the host: gradient norm, clipping, optimizer, moving average.
#pragma once
#include <cmath>

#include "fovea/engine/gradient_store.hpp"
#include "fovea/engine/training_engine.hpp"
#include "fovea/graph/parameter.hpp"
#include "fovea/graph/weights.hpp"

namespace fovea {

// The parameters and buffers of a network, in the order of its weights.
template <class Real> struct network_parameters {
    std::vector<basic_parameter<Real>> parameters, buffers; // buffers have no gradients
};
// Collects them. gradients: null if there are none.
template <class Real>
network_parameters<Real> parameters_of(const graph& g, const weight_store& weights, gradient_store<Real>* gradients) {
    network_parameters<Real> all;
    for (int i = 0; i < int(g.weights.size()); ++i) {
        const weight& w = g.weights[std::size_t(i)];
        if (w.kind == weight_kind::derived) continue;
        const bool trained = w.kind == weight_kind::parameter;
        (trained ? all.parameters : all.buffers)
            .push_back({g.name(w), w.dims, w.rank, reinterpret_cast<Real*>(weights[i]),
                        trained && gradients ? (*gradients)[i] : nullptr});
    }
    return all;
}

// Takes a step from the gradients, which clipping scales. It is not taken if their norm is not finite. The report does
// not have the loss.
inline update_report update_on_host(std::span<const parameter> parameters, const update_request& u, context* threads) {
    update_report r;
    r.gradient_norm = gradient_norm(parameters, r.norms, threads);
    r.taken = std::isfinite(r.gradient_norm);
    if (!r.taken) return r;
    if (u.max_gradient_norm > 0) clip_gradients(parameters, r.gradient_norm, u.max_gradient_norm, threads);
    u.optimizer.step(parameters, u.learning_rate, threads);
    if (u.average) u.average->update(parameters, threads);
    return r;
}

} // namespace fovea
