// A loss as a description: the sum of terms that a backend can compute by itself, where the image is. A loss that has
// one gives it by terms(weight); one that has none, such as a user's own, is computed on the host.
#pragma once
#include <memory>
#include <vector>

namespace fovea {

enum class loss_kind { l1, l2, charbonnier, total_variation, cross_entropy, network };

class network_loss; // engine/cuda/network_loss.hpp

struct loss_term {
    loss_kind kind = loss_kind::l2;
    double weight = 1;
    double parameter = 0;               // charbonnier: epsilon; cross_entropy: the probability that is wanted
    int first = 0, images = 0;          // of the batch, that it is the loss of; 0 images: all
    std::shared_ptr<network_loss> by{}; // network: what computes it
    bool operator==(const loss_term&) const = default;
};
using loss_terms = std::vector<loss_term>;

} // namespace fovea
