// The engine that trains a network, by the backend that its graph was traced for.
#pragma once
#include <concepts>
#include <type_traits>

#include "fovea/engine/host_training_engine.hpp"
#include "fovea/graph/lower.hpp"

namespace fovea {

// In double a network has gradients and no training steps: it is there to check them.
template <class Real>
using training_engine_for = std::conditional_t<std::same_as<Real, float>, training_engine, basic_learning_engine<Real>>;

// What an engine is made of. Graph, weights and gradients outlive it.
template <class Real> struct training_engine_parts {
    graph& g;
    weight_store& weights;
    gradient_store<Real>& gradients;
    const context& threads;
    precision_kind precision = precision_kind::float32; // of what is kept for the backward pass
    training_engine* beside = nullptr;                  // whose memory it is to share, if it can
    training_options options{};
};
template <class Real>
using training_engine_maker = std::unique_ptr<training_engine_for<Real>> (*)(const training_engine_parts<Real>&);

namespace detail {

template <class Backend>
concept has_training_engine = requires(const graph& g, weight_store& w, gradient_store<float>& gradients,
                                       const training_options& o) {
    make_training_engine(Backend{}, g, w, gradients, o);
};

[[noreturn]] inline void fail_training_precision(precision_kind p) {
    fail("precision ", name_of(p), ": expected float32, bf16 or fp16 for training");
}

} // namespace detail

// Of backends whose kernels run on the threads of a context.
template <class Real> training_engine_maker<Real> host_training_engine_maker() {
    return [](const training_engine_parts<Real>& p) -> std::unique_ptr<training_engine_for<Real>> {
        if (p.precision == precision_kind::int8 || p.precision == precision_kind::tensor_float32)
            detail::fail_training_precision(p.precision);
        training_options o = p.options;
        o.storage = stored_format(p.precision);
        if constexpr (std::same_as<Real, float>)
            return std::make_unique<host_training_engine<Real>>(p.g, p.weights, p.gradients, p.threads, o);
        else
            return std::make_unique<detail::host_learning_pass<Real, basic_learning_engine<Real>>>(
                p.g, p.weights, p.gradients, p.threads, o);
    };
}

// A backend's own engine where it has one: its tensors have formats, and are not converted by the host.
template <class Backend> training_engine_maker<typename Backend::storage> training_engine_maker_of() {
    if constexpr (detail::has_training_engine<Backend>)
        return [](const training_engine_parts<float>& p) -> std::unique_ptr<training_engine> {
            if (p.precision == precision_kind::int8) detail::fail_training_precision(p.precision);
            lower_for_training(p.g, p.precision);
            if (p.beside)
                if (auto made = p.beside->beside(p.g, p.weights, p.gradients, p.options)) return made;
            return make_training_engine(Backend{}, p.g, p.weights, p.gradients, p.options);
        };
    else
        return host_training_engine_maker<typename Backend::storage>();
}

} // namespace fovea
