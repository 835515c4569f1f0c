// A loss that is chosen at run time. Its terms say which part a backend can compute by itself.
#pragma once
#include <functional>
#include <type_traits>

#include "fovea/loss/pixel.hpp"

namespace fovea {

// Returns the loss of y beside its target, both (N,H,W,C), and adds `weight` times its gradient to dy, which has the
// shape of y. Without dy the loss is only evaluated.
class loss_function {
  public:
    template <class L>
    requires(!std::same_as<L, loss_function> && pixel_loss<L>) loss_function(L loss) : of_(loss) {
        if constexpr (requires { loss.terms(1.); }) terms_ = loss.terms(1.);
    }
    // Returns the loss, and adds `weight` times its gradient to dy unless dy is empty.
    double operator()(tensor_view<const float> y, tensor_view<const float> target, tensor_view<float> dy = {},
                      double weight = 1) const {
        return of_(y, target, dy, weight);
    }
    const loss_terms& terms() const { return terms_; } // empty if the loss has no description by terms

  private:
    std::function<double(tensor_view<const float>, tensor_view<const float>, tensor_view<float>, double)> of_;
    loss_terms terms_;
};

} // namespace fovea
