// A network with its weights, ready to run: images in, images out. What `model` is once the network's type is no longer
// needed; plain code, compiled once.
#pragma once
#include <atomic>
#include <deque>
#include <memory>

#include "fovea/engine/engine.hpp"
#include "fovea/engine/execute.hpp"
#include "fovea/graph/half_arithmetic.hpp"
#include "fovea/graph/half_storage.hpp"
#include "fovea/graph/quantise.hpp"
#include "fovea/image/alpha.hpp"
#include "fovea/image/resample.hpp"
#include "fovea/model/frames.hpp"
#include "fovea/model/load.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea {

struct model_options {
    depths depth{};                           // of every repeat<dynamic, ...>
    value_range range{};                      // of the network's values
    colour_space colours = colour_space::rgb; // that it was trained in
    context* threads = nullptr;               // the model keeps a copy of it; none: one thread, no others are made
    convolution_method convolution = convolution_method::automatic; // in float32; direct: to compare others with
    precision_kind precision = precision_kind::float32;
    const activation_ranges* ranges = nullptr; // of precision_kind::int8 alone, which needs them; read while it is made
};

// Used by one thread at a time, as its context is: a second thread that calls it meanwhile gets an error, and so does
// a callback that calls the network which is calling it.
class upscaler {
  public:
    // make: of a backend that has an engine, which then runs all images; null: the threads of a context do.
    upscaler(graph g, const tensor_file& weights, const model_options& o, engine_maker make = nullptr)
        : graph_(std::make_shared<graph>(std::move(g))),
          weights_(std::make_shared<weight_store>(*graph_)),
          values_{o.range, o.colours},
          precision_(o.precision) {
        if (o.threads) context_ = *o.threads;
        if (make && precision_ == precision_kind::int8)
            fail("precision int8: expected float32, tf32, bf16 or fp16 on a GPU");
        if (!make && precision_ == precision_kind::tensor_float32)
            fail("precision tf32: expected a GPU for it, or float32, int8, bf16 or fp16");
        digest_ = load_weights(*graph_, *weights_, weights);
        graph_->precision = precision_;
        if (precision_ == precision_kind::int8) {
            if (!o.ranges) fail("precision int8: expected the ranges of activations that a calibration finds");
            quantise(*graph_, *o.ranges, digest_);
        } else if (o.ranges)
            fail("precision ", name_of(precision_), ": ranges of activations were given: expected precision int8");
        if (stored_format(precision_) != number_format::float32) store_in(*graph_, precision_);
        if (precision_ == precision_kind::float16) multiply_halves(*graph_);
        weights_->prepare(*graph_);
        if (make) engine_ = make(*graph_, *weights_), weights_->clear();
    }

    int in_channels() const { return graph_->tensors.front().channels; }
    ratio scale() const { return graph_->tensors.back().scale; }
    pixel_values values() const { return values_; }
    precision_kind precision() const { return precision_; }
    const std::string& weights_digest() const { return digest_; } // of the numbers in the weight file
    const graph& traced() const { return *graph_; }
    std::size_t weight_bytes() const { return weights_->bytes(); }

    // The image magnified by scale(), of the same kind: sample type, gray or colours, alpha (enlarged by bicubic
    // interpolation; colours bleed under transparent pixels first). Throws when the network does not give an image,
    // when the budget is too small, and when a value is not finite.
    image operator()(const image& in, const run_options& o = {}) {
        const context::usage mine(context_); // of both parts: no other thread's image comes between
        check_none_submitted();
        submit(in, o);
        return result();
    }

    // The same in two parts, for several images: submit() of one while the last is still to come, then result() of the
    // first that was submitted. On a GPU the host, the copies and the network then work beside each other; the threads
    // of a context do all in submit().
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
        i.done = engine_ ? engine_->submit(samples_of<const std::byte>(from), samples_of<std::byte>(i.out), values_, o)
                         : run_on_threads(from, i.out, o, i.finite);
        if (in.has_alpha()) i.alpha = alpha_of(in);
        submitted_.push_back(std::move(i));
    }
    image result() {
        const context::usage mine(context_);
        if (submitted_.empty()) fail("the result of an image was asked for: expected one that was submitted before");
        submitted_image i = std::move(submitted_.front());
        submitted_.pop_front();
        if (!i.done) return {};
        if (engine_) engine_->result(samples_of<std::byte>(i.out), i.finite);
        if (!i.finite) detail::fail_not_finite(*graph_);
        if (!i.alpha.empty()) enlarge_alpha(i.alpha, i.out);
        return std::move(i.out);
    }
    int submitted() const { return int(submitted_.size()); } // whose results are still to be asked for

    // The same on the network's own values: x (N,H,W,in_channels) to (N,H*scale,W*scale,out_channels).
    tensor<float> operator()(tensor_view<const float> x, const run_options& o = {}) {
        const context::usage mine(context_);
        const running now(running_);
        if (x.channels() != in_channels())
            fail("a tensor of ", x.channels(), " channels was given to a network that expects ", in_channels());
        check_extent(*graph_, {x.height(), x.width()});
        const extent out = extents_of(*graph_, {x.height(), x.width()}).back();
        tensor<float> y(x.batch(), out.height, out.width, graph_->tensors.back().channels);
        const bool done = engine_ ? run_on_engine(x, y, o) : run_on_threads(x, y, o);
        if (!done) return {};
        return y;
    }

    // For images of one size, again and again, in memory that the caller gives. It keeps what it needs of the upscaler,
    // which may be moved, and may be gone.
    frame_upscaler frames(extent input, std::size_t memory_budget = run_options{}.memory_budget) const {
        return frames(input, choose_schedule(*graph_, input, 1, memory_budget));
    }
    frame_upscaler frames(extent input, schedule how) const {
        if (engine_) fail("frames in a caller's memory: expected a backend that computes on the threads of a context");
        return {graph_, weights_, context_, values_, input, how};
    }

    // How images of that size would be run, of which images_at_once are under way together.
    schedule plan_for(extent input, int batch = 1, std::size_t memory_budget = run_options{}.memory_budget) const {
        return choose_schedule(*graph_, input, images_at_once(input, batch), memory_budget);
    }
    // Large images one by one; of small ones so many that threads have enough to share and weights are read for more
    // than a few pixels, but no more than the caches hold.
    int images_at_once(extent input, int batch) const {
        constexpr double pixels = 256 * 256;
        const int threads = context_.threads();
        const int fitting = int(std::clamp(pixels / (double(input.height) * input.width), 1., pixels));
        return std::min(batch, fitting > threads ? fitting / threads * threads : fitting);
    }

  private:
    // Says that this network computes, so that its own callbacks cannot begin anew in the memory that it uses.
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

    bool run_on_engine(tensor_view<const float> x, tensor<float>& y, const run_options& o) {
        check_none_submitted();
        bool finite = true; // a tensor may hold anything
        const auto out = samples_of<std::byte>(y.view());
        if (!engine_->submit(samples_of<const std::byte>(x), out, {}, o)) return false;
        engine_->result(out, finite);
        return true;
    }
    void check_none_submitted() const {
        if (!submitted_.empty())
            fail("a network was given something to compute at once while ", submitted(),
                 " images are under way: expected their results to be asked for before");
    }

    bool run_on_threads(const image& in, image& out, const run_options& o, bool& all_finite) {
        std::atomic<bool> finite = true;
        const bool done = detail::with_samples_of(in.type(), [&]<class T>(T) {
            return execute(
                {in.height(), in.width()}, 1, o,
                [&](int, range rows, range cols, const window& to) {
                    for (int y = rows.begin; y < rows.end; ++y)
                        detail::load_row<T>(in.row<T>(y).data(), in.channels(), values_, cols,
                                            to.at<float>(0, y, cols.begin));
                },
                [&](int, range rows, range cols, const window& result) {
                    for (int y = rows.begin; y < rows.end; ++y)
                        if (!detail::store_row<T>(out.row<T>(y).data(), out.channels(), values_, cols,
                                                  result.at<float>(0, y, cols.begin)))
                            finite.store(false, std::memory_order_relaxed);
                });
        });
        all_finite = finite;
        return done;
    }
    bool run_on_threads(tensor_view<const float> x, tensor<float>& y, const run_options& o) {
        const auto copy = [](const float* from, float* to, int pixels, int channels) {
            std::copy_n(from, std::ptrdiff_t(pixels) * channels, to);
        };
        const int group = images_at_once({x.height(), x.width()}, x.batch());
        for (int first = 0; first < x.batch(); first += group) {
            const int count = std::min(group, x.batch() - first);
            run_options part = o;
            if (o.progress) part.progress = [&](double done) { o.progress((first + done * count) / x.batch()); };
            const bool done = execute(
                {x.height(), x.width()}, count, part,
                [&](int n, range rows, range cols, const window& to) {
                    for (int h = rows.begin; h < rows.end; ++h)
                        copy(x.at(first + n, h, cols.begin), to.at<float>(n, h, cols.begin), cols.size(), x.channels());
                },
                [&](int n, range rows, range cols, const window& from) {
                    for (int h = rows.begin; h < rows.end; ++h)
                        copy(from.at<float>(n, h, cols.begin), y.at(first + n, h, cols.begin), cols.size(),
                             y.channels());
                });
            if (!done) return false;
        }
        return true;
    }

    bool execute(extent input, int batch, const run_options& o, const row_source& source, const row_sink& sink) {
        const schedule how = o.how ? *o.how : chosen_for(input, batch, o.memory_budget);
        const detail::tiling tiles(*graph_, input, how);
        executor run(*graph_, *weights_, context_, o.observe);
        for (int i = 0; i < tiles.count(); ++i) {
            const plan p = plan_inference(*graph_, input, batch, tiles.at(i), tiles.band);
            arena_.reserve(p.bytes);
            const bool going = run.run(p, arena_.data(), source, sink, [&](double part) {
                if (o.progress) o.progress((i + part) / tiles.count());
                return !o.stop.stop_requested();
            });
            if (!going) return false;
        }
        return true;
    }

    // Choosing takes as long as a small image: frames of a video have one size.
    schedule chosen_for(extent input, int batch, std::size_t budget) {
        const auto& l = last_choice_;
        if (l.height != input.height || l.width != input.width || l.batch != batch || l.budget != budget)
            last_choice_ = {input.height, input.width, batch, budget, choose_schedule(*graph_, input, batch, budget)};
        return last_choice_.how;
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
        image out, alpha{}; // alpha: of the input
        bool done = false, finite = true;
    };

    std::shared_ptr<graph> graph_; // with frames(): their address stays when the upscaler moves
    std::shared_ptr<weight_store> weights_;
    pixel_values values_;
    precision_kind precision_;
    std::string digest_;
    context context_;
    bool running_ = false;
    storage arena_;
    std::unique_ptr<engine> engine_; // null: the threads of the context run images
    std::deque<submitted_image> submitted_;
    struct {
        int height = 0, width = 0, batch = 0;
        std::size_t budget = 0;
        schedule how{};
    } last_choice_;
};

} // namespace fovea
