// Records the terms of a loss, such as L2 and total variation, separately.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "fovea/loss/loss_function.hpp"
#include "fovea/loss/weighted_sum.hpp"

namespace programs {

// The mean of each term over the micro-batches since take(). On a GPU, which computes only the sum, there are none.
class loss_record {
  public:
    void add(const std::string& term, double value) {
        mean& of = terms_[term];
        of.sum += value, ++of.count;
    }
    std::map<std::string, double> take() {
        std::map<std::string, double> means;
        for (auto& [term, of] : terms_) means[term] = of.sum / of.count;
        terms_.clear();
        return means;
    }

  private:
    struct mean {
        double sum = 0;
        int count = 0;
    };
    std::map<std::string, mean> terms_;
};

// pixels + variation * total_variation_loss, with the same bits as weighted_sum.
template <class Pixels> struct recorded_loss {
    Pixels pixels;
    std::string name;
    double variation = 0;
    std::shared_ptr<loss_record> record;

    double operator()(fovea::tensor_view<const float> y, fovea::tensor_view<const float> t,
                      fovea::tensor_view<float> dy, double weight = 1) const {
        const double of_pixels = pixels(y, t, dy, weight);
        record->add(name, of_pixels);
        if (variation == 0) return of_pixels;
        const double of_variation = fovea::total_variation_loss{}(y, t, dy, weight * variation);
        record->add("total variation", of_variation);
        return of_pixels + variation * of_variation;
    }
    fovea::loss_terms terms(double weight = 1) const {
        return fovea::weighted_sum{pixels, 1., fovea::total_variation_loss{}, variation}.terms(weight);
    }
};

} // namespace programs
