// A network with its weights, ready to run: images in, images out. It is the base of `model` that does not depend on
// the network's type, so that it is compiled once.
#pragma once
#include <deque>
#include <memory>

#include "fovea/engine/engine_maker.hpp"
#include "fovea/graph/lower.hpp"
#include "fovea/image/alpha.hpp"
#include "fovea/image/resample.hpp"
#include "fovea/model/load.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea {

// How a model is made: depth, values, precision and threads.
struct model_options {
    depths depth{};                           // blocks of every repeat<dynamic, ...>
    value_range range{};                      // the network's values for black and white
    colour_space colours = colour_space::rgb; // the colour space that it was trained in
    context* threads = nullptr;               // the model keeps a copy of it; null: the calling thread only
    convolution_method convolution = convolution_method::automatic; // how float32 convolutions are computed
    precision_kind precision = precision_kind::float32;
    const activation_ranges* ranges =
        nullptr; // for precision_kind::int8 only, which needs them; read by the constructor
};

// It is used by one thread at a time, as its context is. A second thread that calls it at the same time gets an error,
// and so does a callback that calls the network which is calling it.
class upscaler {
  public:
    // maker: makes the engine of the backend that the graph was traced for.
    upscaler(graph g, const tensor_file& weights, const model_options& o, engine_maker maker = host_engine_maker())
        : graph_(std::make_shared<graph>(std::move(g))),
          weights_(std::make_shared<weight_store>(*graph_)),
          values_{o.range, o.colours},
          precision_(o.precision) {
        if (o.threads) context_ = *o.threads;
        maker.check(precision_);
        digest_ = load_weights(*graph_, *weights_, weights);
        lower_for_inference(*graph_, precision_, o.ranges, digest_);
        weights_->prepare(*graph_);
        engine_ = maker.make(graph_, weights_, context_);
    }

    // Properties of the network: input channels, magnification, meaning of its values, and precision.
    int in_channels() const { return graph_->tensors.front().channels; }
    ratio scale() const { return graph_->tensors.back().scale; }
    pixel_values values() const { return values_; }
    precision_kind precision() const { return precision_; }
    const std::string& weights_digest() const { return digest_; } // digest of the numbers in the weight file
    // The graph of the network, and the bytes of its weights with those that kernels have packed.
    const graph& traced() const { return *graph_; }
    std::size_t weight_bytes() const { return weights_->bytes(); }

    // Returns the image (H,W,C) enlarged to (H*scale,W*scale,C), with the same sample type and channels. Alpha is
    // enlarged by bicubic interpolation, after colours have bled under transparent pixels. A run that is stopped gives
    // an empty image. Throws when the network does not give images, when the budget is too small, and when a value is
    // not finite.
    image operator()(const image& in, const run_options& o = {}) {
        const context::usage mine(context_); // for both parts, so that no other thread's image comes between
        check_none_submitted();
        submit(in, o);
        return result();
    }

    // The same in two parts, for several images: submit() an image before the result() of the last one was asked for.
    // result() returns the image that was submitted first. On a GPU the host, the copies and the network then work at
    // the same time; the threads of a context do everything in submit().
    static constexpr int at_once = engine::at_once;
    void submit(const image& in, const run_options& o = {}) {
        const context::usage mine(context_);
        const running now(running_);
        const ratio s = scale();
        detail::check_enlarges(*graph_);
        if (in.empty()) fail("an empty image cannot be enlarged");
        check_extent(*graph_, {in.height(), in.width()});
        if (submitted() == at_once) fail("more than ", at_once, " images at once: expected one result before the next");
        image bled;
        if (in.has_alpha()) bled = with_bled_colours(in);
        const image& from = in.has_alpha() ? bled : in;
        submitted_image i{
            .out = image(checked_size(in.height(), s.num), checked_size(in.width(), s.num), in.channels(), in.type())};
        i.out.take_metadata_of(in);
        i.done = engine_->submit(samples_of<const std::byte>(from), samples_of<std::byte>(i.out), values_, o);
        if (in.has_alpha()) i.alpha = alpha_of(in);
        submitted_.push_back(std::move(i));
    }
    image result() {
        const context::usage mine(context_);
        if (submitted_.empty()) fail("the result of an image was asked for: expected one that was submitted before");
        submitted_image i = std::move(submitted_.front());
        submitted_.pop_front();
        if (!i.done) return {};
        bool finite = true;
        engine_->result(samples_of<std::byte>(i.out), finite);
        if (!finite) detail::fail_not_finite(*graph_);
        if (!i.alpha.empty()) enlarge_alpha(i.alpha, i.out);
        return std::move(i.out);
    }
    int submitted() const { return int(submitted_.size()); } // images whose result was not asked for yet

    // The same with the network's own values: x (N,H,W,in_channels) to (N,H*scale,W*scale,out_channels).
    tensor<float> operator()(tensor_view<const float> x, const run_options& o = {}) {
        const context::usage mine(context_);
        const running now(running_);
        if (x.channels() != in_channels())
            fail("a tensor of ", x.channels(), " channels was given to a network that expects ", in_channels());
        check_extent(*graph_, {x.height(), x.width()});
        const extent out = extents_of(*graph_, {x.height(), x.width()}).back();
        tensor<float> y(x.batch(), out.height, out.width, graph_->tensors.back().channels);
        check_none_submitted();
        if (!engine_->run(x, y.view(), o)) return {};
        return y;
    }

    // Prepares to enlarge many images of one size in memory that the caller gives. The frames share what they need with
    // the upscaler, and may outlive it.
    frame_upscaler frames(extent input, std::size_t memory_budget = run_options{}.memory_budget) const {
        return frames(input, choose_schedule(*graph_, input, 1, memory_budget));
    }
    frame_upscaler frames(extent input, schedule how) const { return engine_->frames(values_, input, how); }

    // Returns the schedule for images of that size, of which images_at_once() are computed together.
    schedule plan_for(extent input, int batch = 1, std::size_t memory_budget = run_options{}.memory_budget) const {
        return choose_schedule(*graph_, input, images_at_once(input, batch), memory_budget);
    }
    int images_at_once(extent input, int batch) const {
        return detail::images_at_once(input, batch, context_.threads());
    }

  private:
    // Marks that the network is computing, so that its own callbacks cannot begin another run in the same memory.
    class running {
      public:
        explicit running(bool& flag) : flag_(flag) {
            if (flag) fail("a network was called by its own callback: expected it to return first");
            flag_ = true;
        }
        ~running() { flag_ = false; }
        running(const running&) = delete;
        running& operator=(const running&) = delete;

      private:
        bool& flag_;
    };

    static int checked_size(int n, int scale) {
        if (n > INT_MAX / scale / 4)
            fail("an image side of ", n, " pixels is too long to be enlarged ", scale, " times");
        return n * scale;
    }

    void check_none_submitted() const {
        if (!submitted_.empty())
            fail("a network was given something to compute at once while ", submitted(),
                 " images are under way: expected their results to be asked for before");
    }

    static image alpha_of(const image& in) {
        image alpha(in.height(), in.width(), 1, in.type());
        detail::with_samples_of(in.type(), [&]<class T>(T) {
            const int c = in.channels() - 1;
            for (int y = 0; y < in.height(); ++y)
                for (int x = 0; x < in.width(); ++x)
                    alpha.row<T>(y)[std::size_t(x)] = in.row<T>(y)[std::size_t(x * in.channels() + c)];
        });
        return alpha;
    }
    static void enlarge_alpha(const image& alpha, image& out) {
        detail::with_samples_of(out.type(), [&]<class T>(T) {
            const int c = out.channels() - 1;
            const image large = resize_pillow(alpha, out.height(), out.width());
            for (int y = 0; y < out.height(); ++y)
                for (int x = 0; x < out.width(); ++x)
                    out.row<T>(y)[std::size_t(x * out.channels() + c)] = large.row<T>(y)[std::size_t(x)];
        });
    }

    struct submitted_image {
        image out, alpha{}; // alpha: that of the input
        bool done = false;
    };

    std::shared_ptr<graph> graph_; // the engine and frames() share it, so that its address stays when this moves
    std::shared_ptr<weight_store> weights_;
    pixel_values values_;
    precision_kind precision_;
    std::string digest_;
    context context_;
    bool running_ = false;
    std::unique_ptr<engine> engine_;
    std::deque<submitted_image> submitted_;
};

} // namespace fovea
