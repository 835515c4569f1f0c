// What a run is measured by: images of a test folder, and those that are kept from training. Both are read, and bicubic
// interpolation is measured on them, before the first step: a folder or an image that will not do is known then.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "common/measures.hpp"
#include "common/training_options.hpp"

namespace programs {

using image_batch = fovea::tensor_view<const float>; // (N,H,W,3), in the network's range of values

std::string text_of_scores(const scores& s); // "psnr 31.2345, ssim 0.9012"

// [0,1] to the network's range.
void to_range(const fovea::value_range& range, const fovea::tensor<float>& from, fovea::tensor<float>& to);

// Pictures of the same image: enlarged by bicubic, by the network, and the original; of each the middle, side by side.
using show_function = std::function<void(const std::string& name, const fovea::image& picture)>;
inline constexpr std::size_t most_shown = 4; // images

class test_images {
  public:
    // Throws one line where the folder is not there, or one of its images cannot be used.
    test_images(const std::string& folder, int scale, measure_function measure);

    std::size_t size() const { return files_.size(); }
    const scores& bicubic() const { return bicubic_; } // means over the images
    using accuracy_function = std::function<double(const fovea::image& original, const fovea::image& made)>;
    // The same of a network, and how many dB of PSNR it is better. accuracy: null, or of a critic. Throws as reading an
    // image does, and stop_request.
    scores measure(fovea::upscaler& net, const accuracy_function& accuracy, const show_function& show);

  private:
    fovea::image original(std::size_t i) const;
    fovea::image smaller(const fovea::image& high) const;
    scores measure_one(const fovea::image& made, const fovea::image& high);

    std::vector<std::filesystem::path> files_;
    int scale_;
    measure_function measure_;
    bool with_vif_ = true; // for every image
    scores bicubic_;
};

class validation_images {
  public:
    validation_images(fovea::picture_list pictures, const training_options& o, const fovea::zoo::architecture& what);

    const fovea::training_set& set() const { return set_; }
    const scores& bicubic() const { return bicubic_; }
    using forward_function = std::function<image_batch(image_batch)>;
    using accuracy_function = std::function<double(image_batch original, image_batch made)>;
    // Loss and PSNR (of all channels) of forward(), and how many dB better it is. Throws stop_request.
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
