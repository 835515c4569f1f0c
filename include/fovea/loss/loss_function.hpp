// A loss that is chosen at run time. Its terms say which part a backend can compute by itself.
#pragma once
#include <functional>
#include <type_traits>

#include "fovea/loss/pixel.hpp"

namespace fovea {

// Called with (y, target, dy, weight), all (N,H,W,C): adds weight times the gradient of the loss at y to dy, and
// returns the loss without the weight.
class loss_function {
  public:
    template <class L>
    requires(!std::same_as<L, loss_function> && pixel_loss<L>) loss_function(L loss) : of_(loss) {
        if constexpr (requires { loss.terms(1.); }) terms_ = loss.terms(1.);
    }
    double operator()(tensor_view<const float> y, tensor_view<const float> target, tensor_view<float> dy,
                      double weight) const {
        return of_(y, target, dy, weight);
    }
    const loss_terms& terms() const { return terms_; } // empty if the loss has no description by terms

  private:
    std::function<double(tensor_view<const float>, tensor_view<const float>, tensor_view<float>, double)> of_;
    loss_terms terms_;
};

} // namespace fovea
