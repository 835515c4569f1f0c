// The engine that runs a network on the threads of a context, band by band and tile by tile.
#pragma once
#include <atomic>
#include <deque>

#include "fovea/engine/engine.hpp"
#include "fovea/engine/execute.hpp"
#include "fovea/tensor/storage.hpp"

namespace fovea {

namespace detail {

// Returns how many images of a batch are computed together. Large images go one by one. Of small ones there are so many
// that the threads have enough to share and that weights are read for more than a few pixels, but no more than the
// caches hold.
inline int images_at_once(extent input, int batch, int threads) {
    constexpr double pixels = 256 * 256;
    const int fitting = int(std::clamp(pixels / (double(input.height) * input.width), 1., pixels));
    return std::min(batch, fitting > threads ? fitting / threads * threads : fitting);
}

} // namespace detail

// Runs a network on the threads of a context. submit() computes at once.
class host_engine final : public engine {
  public:
    host_engine(std::shared_ptr<const graph> g, std::shared_ptr<const weight_store> weights, context threads)
        : graph_(std::move(g)), weights_(std::move(weights)), context_(std::move(threads)) {}

    // As engine describes them.
    bool submit(samples_view<const std::byte> in, samples_view<std::byte> out, pixel_values values,
                const run_options& o) override {
        std::atomic<bool> finite = true;
        const bool done = detail::with_samples_of(in.type, [&]<class T>(T) {
            const auto row = []<class Byte>(const samples_view<Byte>& s, int y) {
                return reinterpret_cast<std::conditional_t<std::is_const_v<Byte>, const T, T>*>(s.data +
                                                                                                y * s.row_bytes);
            };
            return execute(
                {in.height, in.width}, 1, o,
                [&](int, range rows, range cols, const window& to) {
                    for (int y = rows.begin; y < rows.end; ++y)
                        detail::load_row<T>(row(in, y), in.channels, values, cols, to.at<float>(0, y, cols.begin));
                },
                [&](int, range rows, range cols, const window& from) {
                    for (int y = rows.begin; y < rows.end; ++y)
                        if (!detail::store_row<T>(row(out, y), out.channels, values, cols,
                                                  from.at<float>(0, y, cols.begin)))
                            finite.store(false, std::memory_order_relaxed);
                });
        });
        if (done) finite_.push_back(finite);
        return done;
    }
    void result(samples_view<std::byte>, bool& finite) override {
        if (finite_.empty()) fail("the result of an image was asked for: expected one that was submitted before");
        finite = finite_.front();
        finite_.pop_front();
    }

    // As engine describes it; images of a batch go in groups that fill the caches.
    bool run(tensor_view<const float> x, tensor_view<float> y, const run_options& o) override {
        const auto copy = [](const float* from, float* to, range cols, int channels) {
            std::copy_n(from, std::ptrdiff_t(cols.size()) * channels, to);
        };
        const int group = detail::images_at_once({x.height(), x.width()}, x.batch(), context_.threads());
        for (int first = 0; first < x.batch(); first += group) {
            const int count = std::min(group, x.batch() - first);
            run_options part = o;
            if (o.progress) part.progress = [&](double done) { o.progress((first + done * count) / x.batch()); };
            const bool done = execute(
                {x.height(), x.width()}, count, part,
                [&](int n, range rows, range cols, const window& to) {
                    for (int h = rows.begin; h < rows.end; ++h)
                        copy(x.at(first + n, h, cols.begin), to.at<float>(n, h, cols.begin), cols, x.channels());
                },
                [&](int n, range rows, range cols, const window& from) {
                    for (int h = rows.begin; h < rows.end; ++h)
                        copy(from.at<float>(n, h, cols.begin), y.at(first + n, h, cols.begin), cols, y.channels());
                });
            if (!done) return false;
        }
        return true;
    }

    // The frames share graph and weights, and may outlive the engine.
    frame_upscaler frames(pixel_values values, extent input, const schedule& how) const override {
        return {graph_, weights_, context_, values, input, how};
    }

  private:
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

    // Remembers the last choice, because choosing takes as long as a small image, and the frames of a video have one
    // size.
    schedule chosen_for(extent input, int batch, std::size_t budget) {
        auto& l = last_choice_;
        if (!(l.input == input) || l.batch != batch || l.budget != budget)
            l = {input, batch, budget, choose_schedule(*graph_, input, batch, budget)};
        return l.how;
    }

    std::shared_ptr<const graph> graph_;
    std::shared_ptr<const weight_store> weights_;
    context context_;
    storage arena_;
    std::deque<bool> finite_; // for each image whose result was not asked for yet
    struct {
        extent input{};
        int batch = 0;
        std::size_t budget = 0;
        schedule how{};
    } last_choice_;
};

} // namespace fovea
