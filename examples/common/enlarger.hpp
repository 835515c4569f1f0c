// What enlarges images in the programs: a network from a weight file, or plain interpolation.
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
    std::string model;                 // --model: empty or "auto" for what the weight file holds, or an interpolation
    std::string weights;               // --weights
    std::string convolution = "auto";  // --convolution: or "direct" or "winograd"
    std::string precision = "float32"; // --precision: or "int8", "bf16", "fp16"
    std::string calibration;           // --calibration, of int8: a file of ranges, or a folder of images
    std::string device = "cpu";        // --device: or "cuda"
    int gpu = -1;                      // of --device cuda:N
    bool tta = false;                  // --tta: the mean of eight orientations
    int scale = 0;                     // of an interpolation; of a network it is known, and checked when this is not 0

    void add_to(CLI::App& app); // all but --device and --scale
    void take(const common_options& o) { device = o.device, gpu = o.gpu; }
    bool is_interpolation() const { return model == "bicubic" || model == "bilinear" || model == "nearest"; }
    bool is_built_in() const { return !is_interpolation() && weights.empty(); }
};

class enlarger {
  public:
    // Reads the weight file. Throws when neither names something that can be run.
    enlarger(const model_choice& choice, fovea::context& threads);

    const std::string& description() const { return description_; }
    fovea::upscaler* network() const { return network_.get(); } // null: an interpolation
    int scale() const { return scale_; }
    std::size_t weight_bytes() const { return network_ ? network_->weight_bytes() : 0; }
    fovea::image operator()(const fovea::image& in, const fovea::run_options& o = {});
    // In two parts, as of fovea::upscaler; at_once() images, more than one where that is of use. A `size` that is not
    // the network's is made of its result by antialiased bicubic interpolation.
    int at_once() const { return on_gpu_ && !tta_ ? fovea::upscaler::at_once : 1; }
    void submit(const fovea::image& in, const fovea::run_options& o, std::optional<fovea::extent> size = {});
    fovea::image result();

  private:
    std::unique_ptr<fovea::upscaler> network_;
    fovea::image finished_;                          // its result is still to be asked for
    std::deque<std::optional<fovea::extent>> sizes_; // of those submitted
    bool on_gpu_ = false, tta_ = false;
    std::string interpolation_, description_;
    int scale_ = 0;
};

// The scale of the smallest built-in network that enlarges at least so many times, else of the largest: 2, 4 or 8.
int built_in_scale_for(double ratio);

// Of what --precision can be.
fovea::precision_kind precision_of(const std::string& name);

// Names for --model, with a line on each.
std::vector<std::pair<std::string, std::string>> list_models();

} // namespace programs
