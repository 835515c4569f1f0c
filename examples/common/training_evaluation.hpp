// Evaluation during training, on images of a test folder and on validation images that are kept from training. Both are
// read, and bicubic interpolation is measured on them, before the first step, so that unusable folders and images are
// reported early.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "common/measures.hpp"
#include "common/training_options.hpp"

namespace programs {

using image_batch = fovea::tensor_view<const float>; // (N,H,W,3), in the network's range of values

std::string text_of_scores(const scores& s); // such as "psnr 31.2345, ssim 0.9012"

// Maps [0,1] to the network's range.
void to_range(const fovea::value_range& range, const fovea::tensor<float>& from, fovea::tensor<float>& to);

// Receives pictures of an image: the centres of the bicubic result, the network's result and the original, side by
// side.
using show_function = std::function<void(const std::string& name, const fovea::image& picture)>;
inline constexpr std::size_t most_shown = 4; // number of images shown

class test_images {
  public:
    // Throws if the folder does not exist or one of its images cannot be used.
    test_images(const std::string& folder, int scale, measure_function measure);

    std::size_t size() const { return files_.size(); }
    const scores& bicubic() const { return bicubic_; } // means over the images
    using accuracy_function = std::function<double(const fovea::image& original, const fovea::image& made)>;
    // Returns the scores of a network, and by how many dB its PSNR exceeds that of bicubic interpolation. accuracy:
    // that of a critic, or null. Throws if an image cannot be read, and stop_request.
    scores measure(fovea::upscaler& net, const accuracy_function& accuracy, const show_function& show);

  private:
    fovea::image original(std::size_t i) const;
    fovea::image smaller(const fovea::image& high) const;
    scores measure_one(const fovea::image& made, const fovea::image& high);

    std::vector<std::filesystem::path> files_;
    int scale_;
    measure_function measure_;
    bool with_vif_ = true; // false if one of the images is too small for VIF
    scores bicubic_;
};

class validation_images {
  public:
    validation_images(fovea::picture_list pictures, const training_options& o, const fovea::zoo::architecture& what);

    const fovea::training_set& set() const { return set_; }
    const scores& bicubic() const { return bicubic_; }
    using forward_function = std::function<image_batch(image_batch)>;
    using accuracy_function = std::function<double(image_batch original, image_batch made)>;
    // Returns loss and PSNR (over all channels) of forward(), and by how many dB the PSNR exceeds that of bicubic
    // interpolation. Throws stop_request.
    scores measure(const forward_function& forward, const accuracy_function& accuracy, const show_function& show);

  private:
    image_batch interpolate(image_batch x);
    scores means(const forward_function& forward, const accuracy_function& accuracy, const show_function& show);
    void show_batch(image_batch x, image_batch y, image_batch t, std::size_t first, const show_function& show);

    fovea::training_set set_;
    fovea::value_range range_;
    int scale_, batch_, threads_;
    bool in_rgb_;
    fovea::loss_function loss_;
    fovea::tensor<float> enlarged_;
    scores bicubic_;
};

} // namespace programs
