// An optimizer that is chosen at run time.
#pragma once
#include <string_view>
#include <variant>

#include "fovea/core/error.hpp"
#include "fovea/optimizer/adam.hpp"
#include "fovea/optimizer/weight_update.hpp"

namespace fovea {

class any_optimizer {
  public:
    template <optimizer O> any_optimizer(O o) : of_(std::move(o)) {}

    std::string_view name() const {
        return std::visit([]<class O>(const O&) { return std::string_view(O::name); }, of_);
    }
    void prepare(std::span<const parameter> p) {
        std::visit([&](auto& o) { o.prepare(p); }, of_);
    }
    void step(std::span<const parameter> p, double learning_rate, context* threads = nullptr) {
        std::visit([&](auto& o) { o.step(p, learning_rate, threads); }, of_);
    }
    update_rule options() const {
        return std::visit([](const auto& o) { return update_rule(o.options()); }, of_);
    }
    std::int64_t& steps() {
        return std::visit([](auto& o) -> std::int64_t& { return o.steps; }, of_);
    }
    // Calls f(name, vectors) for each kind of state, with one vector of numbers for each parameter.
    template <class F> void each_state(F f) {
        std::visit([&](auto& o) { o.each_state(f); }, of_);
    }

  private:
    std::variant<adafactor, adam, adamw, sgd> of_;
};

} // namespace fovea
