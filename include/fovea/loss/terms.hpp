// Description of a loss as a sum of terms that a backend can compute where the image is, such as on a GPU. A loss that
// has one returns it from terms(weight). A loss without it, such as one that a user adds, is computed on the host.
#pragma once
#include <memory>
#include <vector>

namespace fovea {

// The terms that a backend can compute.
enum class loss_kind { l1, l2, charbonnier, total_variation, cross_entropy, network };

class network_loss; // engine/cuda/network_loss.hpp

// One term of a loss, over all images of a batch or some of them.
struct loss_term {
    loss_kind kind = loss_kind::l2;
    double weight = 1;
    double parameter = 0;               // charbonnier: epsilon; cross_entropy: the wanted probability
    int first = 0, images = 0;          // the images of the batch that the term covers; 0 images: all
    std::shared_ptr<network_loss> by{}; // network: the object that computes the loss
    bool operator==(const loss_term&) const = default;
};
// A loss as the sum of its terms.
using loss_terms = std::vector<loss_term>;

} // namespace fovea
