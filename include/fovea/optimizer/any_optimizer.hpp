// Any optimizer, chosen at run time: one of this library's, or a type of your own that models `optimizer`.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fovea/optimizer/adam.hpp"
#include "fovea/optimizer/weight_update.hpp"

namespace fovea {

// Holds an optimizer of any type. Copies have states of their own.
class any_optimizer {
  public:
    template <class O>
    requires(!std::same_as<O, any_optimizer> && optimizer<O>) any_optimizer(O o)
        : of_(std::make_unique<holder<O>>(std::move(o))) {}
    any_optimizer(const any_optimizer& other) : of_(other.of_->clone()) {}
    any_optimizer& operator=(const any_optimizer& other) {
        of_ = other.of_->clone();
        return *this;
    }
    any_optimizer(any_optimizer&&) noexcept = default;
    any_optimizer& operator=(any_optimizer&&) noexcept = default;

    // The members of `optimizer` (optimizer/optimizer.hpp).
    std::string_view name() const { return of_->name(); }
    void prepare(std::span<const parameter> p) { of_->prepare(p); }
    void step(std::span<const parameter> p, double learning_rate, context* threads = nullptr) {
        of_->step(p, learning_rate, threads);
    }
    std::int64_t& steps() { return of_->steps(); }
    // What it does, for whoever does it elsewhere; nothing where only step() knows.
    std::optional<update_rule> rule() const { return of_->rule(); }
    // f(kind, vectors of numbers, one for each parameter) for every kind of state.
    template <class F> void each_state(F f) { of_->each_state(f); }
    state_vectors states() {
        state_vectors all;
        each_state([&](const std::string&, std::vector<std::vector<float>>& of) { all.push_back(&of); });
        return all;
    }

  private:
    using state_function = std::function<void(const std::string& kind, std::vector<std::vector<float>>& of)>;

    struct interface {
        virtual ~interface() = default;
        virtual std::unique_ptr<interface> clone() const = 0;
        virtual std::string_view name() const = 0;
        virtual void prepare(std::span<const parameter>) = 0;
        virtual void step(std::span<const parameter>, double learning_rate, context* threads) = 0;
        virtual std::int64_t& steps() = 0;
        virtual std::optional<update_rule> rule() const = 0;
        virtual void each_state(const state_function&) = 0;
    };
    template <class O> struct holder final : interface {
        explicit holder(O o) : of(std::move(o)) {}
        std::unique_ptr<interface> clone() const override { return std::make_unique<holder>(of); }
        std::string_view name() const override { return O::name; }
        void prepare(std::span<const parameter> p) override { of.prepare(p); }
        void step(std::span<const parameter> p, double learning_rate, context* threads) override {
            of.step(p, learning_rate, threads);
        }
        std::int64_t& steps() override { return of.steps; }
        std::optional<update_rule> rule() const override {
            if constexpr (requires(const O& o) {
                              { o.options() } -> std::convertible_to<update_rule>;
                          })
                return update_rule(of.options());
            else
                return {};
        }
        void each_state(const state_function& f) override { of.each_state(f); }
        O of;
    };

    std::unique_ptr<interface> of_;
};

} // namespace fovea
