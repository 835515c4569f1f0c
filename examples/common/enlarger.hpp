// Enlarges images in the programs, by a network from a weight file or by plain interpolation.
#pragma once
#include <CLI/CLI.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/program.hpp"
#include "fovea/core/threads.hpp"
#include "fovea/image/image.hpp"
#include "fovea/model/upscaler.hpp"

namespace programs {

struct model_choice {
    std::string model;                 // --model: an interpolation; empty or "auto": the network in the weight file
    std::string weights;               // --weights
    std::string convolution = "auto";  // --convolution: "auto", "direct" or "winograd"
    std::string precision = "float32"; // --precision: "float32", "int8", "bf16" or "fp16"
    std::string calibration;           // --calibration, for int8: a file of ranges, or a folder of images
    std::string device = "cpu";        // --device: "cpu" or "cuda"
    int gpu = -1;                      // N in --device cuda:N
    bool tta = false;                  // --tta: the mean of eight orientations
    int scale = 0; // scale of an interpolation; a network's scale is only compared with it, if it is not 0

    void add_to(CLI::App& app); // all options but --device and --scale
    void take(const common_options& o) { device = o.device, gpu = o.gpu; }
    bool is_interpolation() const { return model == "bicubic" || model == "bilinear" || model == "nearest"; }
    bool is_built_in() const { return !is_interpolation() && weights.empty(); }
};

class enlarger {
  public:
    // Reads the weight file. Throws if neither the model nor the weights name something that can be run.
    enlarger(const model_choice& choice, fovea::context& threads);

    const std::string& description() const { return description_; }
    fovea::upscaler* network() const { return network_.get(); } // null for an interpolation
    int scale() const { return scale_; }
    std::size_t weight_bytes() const { return network_ ? network_->weight_bytes() : 0; }
    fovea::image operator()(const fovea::image& in, const fovea::run_options& o = {});
    // The same in two parts, like those of fovea::upscaler. Up to at_once() images may be submitted, more than one if
    // that is faster. If `size` is not the network's, the result is resized by antialiased bicubic interpolation.
    int at_once() const { return on_gpu_ && !tta_ ? fovea::upscaler::at_once : 1; }
    void submit(const fovea::image& in, const fovea::run_options& o, std::optional<fovea::extent> size = {});
    fovea::image result();

  private:
    std::unique_ptr<fovea::upscaler> network_;
    fovea::image finished_;                          // computed, but not yet returned by result()
    std::deque<std::optional<fovea::extent>> sizes_; // sizes of the submitted images
    bool on_gpu_ = false, tta_ = false;
    std::string interpolation_, description_;
    int scale_ = 0;
};

// Returns the scale of the smallest built-in network (2, 4 or 8) that enlarges at least `ratio` times, else 8.
int built_in_scale_for(double ratio);

// Returns the precision with that name in --precision.
fovea::precision_kind precision_of(const std::string& name);

// Returns the names for --model, each with a line that describes it.
std::vector<std::pair<std::string, std::string>> list_models();

} // namespace programs
