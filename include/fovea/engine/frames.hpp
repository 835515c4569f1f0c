// An upscaler in a render loop: images of one size, in memory that the caller gives. Nothing is allocated per frame.
//
//   auto frames = net.frames({height, width}, 64 << 20);   // once: plans within 64 MB of activations
//   std::vector<std::byte> arena(frames.arena_bytes());
//   for (;;) frames.run(small, large, arena);              // views of 8-bit pixels, or of the network's own values
//
// The contents of the arena matter only during a call, so that between frames it may serve other purposes. The scratch
// memory of the threads belongs to the context and is reserved when the frames are made. Used by one thread at a time,
// as the context is.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "fovea/engine/execute.hpp"
#include "fovea/ops/pixels.hpp"
#include "fovea/tensor/tensor.hpp"

namespace fovea {

namespace detail {

// Throws when the network does not give images.
inline void check_enlarges(const graph& g) {
    const ratio s = g.tensors.back().scale;
    if (s.den != 1 || s.num < 1 || g.tensors.front().channels != 3 || g.tensors.back().channels != 3)
        fail("a network from ", g.tensors.front().channels, " to ", g.tensors.back().channels,
             " channels does not enlarge images: expected 3 and 3");
}

[[noreturn]] inline void fail_not_finite(const graph& g) {
    const bool fp16 = std::ranges::any_of(g.tensors, [](auto& t) { return t.format == number_format::float16; });
    fail("the network's output is not finite: its weights do not belong to it, or the input is not finite",
         fp16 ? ", or an activation passed 65504, the most that fp16 holds" : "");
}

} // namespace detail

// Enlarges frames of one size; upscaler::frames() makes it.
class frame_upscaler {
  public:
    frame_upscaler(std::shared_ptr<const graph> g, std::shared_ptr<const weight_store> weights, context threads,
                   pixel_values values, extent input, schedule how)
        : graph_(std::move(g)),
          weights_(std::move(weights)),
          context_(threads),
          values_(values),
          input_(input),
          run_(*graph_, *weights_, threads) {
        const context::usage mine(context_);
        check_extent(*graph_, input);
        const detail::tiling tiles(*graph_, input, how);
        output_ = tiles.out;
        std::size_t scratch = 0;
        for (int i = 0; i < tiles.count(); ++i) {
            plans_.push_back(plan_inference(*graph_, input, 1, tiles.at(i), tiles.band));
            bytes_ = std::max(bytes_, plans_.back().bytes);
            scratch = std::max(scratch, run_.scratch_bytes(plans_.back()));
        }
        threads.reserve_scratch(scratch);
    }

    // Sizes of the frames, in pixels.
    extent input() const { return input_; }
    extent output() const { return output_; }
    // The arena may have any alignment.
    std::size_t arena_bytes() const { return bytes_ + detail::arena_alignment - 1; }

    // 8-bit pixels, (1,H,W,C) to (1,H*scale,W*scale,C). C is 1 (gray), 2 (gray and alpha), 3 (RGB) or 4 (RGB and
    // alpha); alpha is not read, and stays as it is in the output. Throws one line when a value is not finite, when the
    // network does not give images, or when a size does not fit.
    void run(tensor_view<const std::uint8_t> in, tensor_view<std::uint8_t> out, std::span<std::byte> arena) {
        detail::check_enlarges(*graph_);
        const int step = in.channels();
        if (step > 4) fail("frames of ", step, " channels: expected 1 to 4");
        check(in, input_, step, "input"), check(out, output_, step, "output");
        std::atomic<bool> finite = true;
        const auto load = [&](int, range rows, range cols, const window& to) {
            for (int y = rows.begin; y < rows.end; ++y)
                detail::load_row(in.at(0, y, 0), step, values_, cols, to.at<float>(0, y, cols.begin));
        };
        const auto store = [&](int, range rows, range cols, const window& from) {
            for (int y = rows.begin; y < rows.end; ++y)
                if (!detail::store_row(out.at(0, y, 0), step, values_, cols, from.at<float>(0, y, cols.begin)))
                    finite.store(false, std::memory_order_relaxed);
        };
        run_plans(load, store, arena);
        if (!finite) detail::fail_not_finite(*graph_);
    }

    // The network's own values, (1,H,W,in_channels) to (1,H*scale,W*scale,out_channels).
    void run(tensor_view<const float> in, tensor_view<float> out, std::span<std::byte> arena) {
        check(in, input_, graph_->tensors.front().channels, "input");
        check(out, output_, graph_->tensors.back().channels, "output");
        const auto copy = [](const float* from, float* to, range cols, int channels) {
            std::copy_n(from, std::ptrdiff_t(cols.size()) * channels, to);
        };
        const auto load = [&](int, range rows, range cols, const window& to) {
            for (int y = rows.begin; y < rows.end; ++y)
                copy(in.at(0, y, cols.begin), to.at<float>(0, y, cols.begin), cols, in.channels());
        };
        const auto store = [&](int, range rows, range cols, const window& from) {
            for (int y = rows.begin; y < rows.end; ++y)
                copy(from.at<float>(0, y, cols.begin), out.at(0, y, cols.begin), cols, out.channels());
        };
        run_plans(load, store, arena);
    }

  private:
    template <class T> static void check(tensor_view<T> given, extent e, int channels, const char* what) {
        if (given.batch() != 1 || given.height() != e.height || given.width() != e.width ||
            given.channels() != channels)
            fail("frames: the ", what, " is (", given.batch(), ',', given.height(), ',', given.width(), ',',
                 given.channels(), "): expected (1,", e.height, ',', e.width, ',', channels, ')');
    }

    // std::function holds a reference without allocating.
    template <class Load, class Store>
    void run_plans(const Load& load, const Store& store, std::span<std::byte> arena) {
        void* begin = arena.data();
        std::size_t left = arena.size();
        if (!std::align(detail::arena_alignment, bytes_, begin, left))
            fail("frames of ", input_.width, 'x', input_.height, ": an arena of ", arena.size(),
                 " bytes was given: expected ", arena_bytes(), " or more");
        const context::usage mine(context_);
        const row_source source = std::cref(load);
        const row_sink sink = std::cref(store);
        for (const plan& p : plans_)
            run_.run(p, static_cast<std::byte*>(begin), source, sink, [](double) { return true; });
    }

    std::shared_ptr<const graph> graph_;
    std::shared_ptr<const weight_store> weights_;
    context context_;
    pixel_values values_;
    extent input_, output_{};
    executor run_;
    std::vector<plan> plans_;
    std::size_t bytes_ = 0;
};

} // namespace fovea
