// Runs inference on a device: uploads samples, launches every operation as a kernel (the last ones fused into one
// pass), and downloads samples. The copies of neighbouring images overlap with the computation of an image. What a
// device is: backend/cuda/buffer.hpp.
#pragma once
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "fovea/backend/cuda/buffer.hpp"
#include "fovea/backend/cuda/last_pass.hpp"
#include "fovea/backend/cuda/library_convolutions.hpp"
#include "fovea/engine/cuda/device_weights.hpp"
#include "fovea/engine/cuda/recordings.hpp"
#include "fovea/engine/engine.hpp"

namespace fovea {

// Key of a tile's recorded kernels: everything that they depend on except numbers in memory.
struct tile_work {
    device_samples from, to;
    pixel_values values;
    int batch;
    rectangle part;
    const std::byte* arena;
    bool operator==(const tile_work&) const = default;
};

// The graph must have been traced for Backend.
template <class Backend> class device_engine final : public engine {
  public:
    using device = typename Backend::device;

    device_engine(const graph& g, const weight_store& weights, std::unique_ptr<device> on)
        : graph_(g),
          device_(std::move(on)),
          weights_(*device_, g, weights),
          library_(*device_, g),
          last_pass_begins_(first_of_last_pass(g)) {
        for (auto& o : g.operations) {
            call c;
            c.a = o.a, c.dims = o.dims, c.queue = device_->queue();
            for (int k = 0; k < max_weights; ++k) c.w[std::size_t(k)] = weights_[o.w[k]];
            calls_.push_back(c);
        }
    }

    ~device_engine() override { device_->settle(); } // results may still be on their way

    bool submit(samples_view<const std::byte> in, samples_view<std::byte> out, pixel_values values,
                const run_options& o) override {
        if (o.observe) fail("what operations compute on a GPU cannot be observed: expected the cpu backend");
        if (begun_ - ended_ == at_once)
            fail("more than ", at_once, " images were given to a GPU at once: expected one result before the next");
        if (begun_ == ended_) begun_ = ended_ = 0; // no pending image
        image_slot& slot = slot_of(begun_);
        const device_samples from = upload(slot, in);
        slot.out.reserve(out.bytes(), "the output");
        slot.staging_out.reserve(out.bytes() + sizeof(int), "the output");
        int* const flag = reinterpret_cast<int*>(slot.flag.data());
        device_->clear(flag, sizeof(int));
        const device_samples into{slot.out.data(), out};
        const store_samples to(into, values, graph_.tensors.back().channels, flag);
        const detail::tiling tiles = make_room({in.height, in.width}, in.batch, o);
        slot.bands.resize(std::max(slot.bands.size(), std::size_t(tiles.rows())));
        for (int i = 0; i < tiles.count(); ++i) {
            const tile_work work{from, into, values, in.batch, tiles.at(i), arena_.data()};
            recordings_.run(work, [&] {
                run_tile(plan_of({in.height, in.width}, in.batch, work.part), {from, {}, values}, to, o.notice);
            });
            // Otherwise the queue stays filled, and result() waits for a single tile.
            if (o.stop.stop_possible() || (o.progress && tiles.count() > 1)) device_->wait();
            if (o.progress && i + 1 < tiles.count()) o.progress(double(i + 1) / tiles.count());
            if (o.stop.stop_requested()) return false;
            if ((i + 1) % tiles.columns() == 0) download(slot, out, tiles, i / tiles.columns());
        }
        slot.tiles.emplace(tiles);
        ++begun_;
        if (o.progress) o.progress(1);
        return true;
    }

    void result(samples_view<std::byte> out, bool& finite) override {
        if (ended_ == begun_) fail("the result of an image was asked for: expected one that was submitted before");
        image_slot& slot = slot_of(ended_);
        for (int band = 0; band < slot.tiles->rows(); ++band) {
            device_->wait(slot.bands[std::size_t(band)].down);
            copy_rows(slot, out, rows_of(*slot.tiles, band, out));
        }
        ++ended_;
        int not_finite = 0;
        std::memcpy(&not_finite, slot.staging_out.data() + out.bytes(), sizeof(int));
        finite = not_finite == 0;
    }
    bool run(tensor_view<const float> x, tensor_view<float> y, const run_options& o) override {
        bool finite = true; // the network's own values may be anything
        const auto out = samples_of<std::byte>(y);
        if (!submit(samples_of<const std::byte>(x), out, {}, o)) return false;
        result(out, finite);
        return true;
    }

  private:
    plan plan_of(extent input, int batch, rectangle part) const {
        return plan_inference(graph_, input, batch, part, part.rows.size(),
                              {.margins = false, .tail = last_pass_begins_});
    }
    std::size_t bytes_of_tile(extent input, int batch, const detail::tiling& tiles) const {
        const int middle = (tiles.rows() - 1) / 2 * tiles.columns() + (tiles.columns() - 1) / 2; // no tile is larger
        return plan_of(input, batch, tiles.at(middle)).bytes;
    }

    // Chooses tiles whose activations fit and reserves the arena. Successive images of one size are planned once.
    detail::tiling make_room(extent input, int batch, const run_options& o) {
        const room wanted{input, batch, o.how, o.device_budget};
        if (!(last_room_ == wanted) || arena_.bytes() == 0) {
            last_tiles_.emplace(find_room(input, batch, o));
            last_room_ = wanted;
        }
        return *last_tiles_;
    }
    // Takes the whole image if it fits, else halves the tiles until they fit.
    detail::tiling find_room(extent input, int batch, const run_options& o) {
        const auto tiles_of = [&](int side) { return detail::tiling(graph_, input, {side, side, 0}); };
        if (o.how) {
            const detail::tiling tiles(graph_, input, {o.how->tile_height, o.how->tile_width, 0});
            arena_.reserve(bytes_of_tile(input, batch, tiles), "activations");
            return tiles;
        }
        constexpr int smallest = 16, largest = 8192;
        const std::size_t budget = o.device_budget ? o.device_budget : arena_.bytes() + device_->free_bytes() / 10 * 9;
        std::size_t bytes = 0;
        for (int side = 0; side == 0 || side >= smallest; side = side ? side / 2 : largest) {
            if (side >= input.height && side >= input.width) continue; // the whole image has been tried
            const detail::tiling tiles = tiles_of(side);
            bytes = bytes_of_tile(input, batch, tiles);
            if (bytes > budget) continue;
            if (arena_.try_reserve(bytes)) return tiles;
            if (o.notice) o.notice(text_of("the GPU has no ", bytes >> 20, " MB for activations: in smaller tiles"));
        }
        fail("an image of ", input.width, 'x', input.height, " needs at least ", (bytes >> 20) + 1,
             " MB of the GPU's memory for activations: expected a budget of that or more, got ", budget >> 20, " MB");
    }

    // Returns the tile's windows in the arena. A tile is one band, so rows are contiguous and no ring wraps around.
    std::vector<window> place(const plan& p) const {
        std::vector<window> windows;
        for (std::size_t i = 0; i < p.tensors.size(); ++i) {
            window& w = windows.emplace_back(window_of(graph_, p, i, arena_.data()));
            if (w) w.data -= p.tensors[i].rows.begin * w.row_stride * std::ptrdiff_t(bytes_of(w.format));
            w.stored = w.height;
        }
        return windows;
    }

    static void take_area(call& c, const plan& p, const std::vector<window>& windows, std::size_t t) {
        c.images = {0, p.batch}, c.rows = p.tensors[t].rows, c.cols = p.tensors[t].cols, c.y = windows[t];
    }
    // Returns the calls of the operations before the last pass.
    std::vector<call> calls_of(const plan& p, const std::vector<window>& windows) const {
        std::vector<call> calls(calls_.begin(), calls_.begin() + last_pass_begins_);
        for (std::size_t i = 0; i < calls.size(); ++i) {
            const operation& o = graph_.operations[i];
            take_area(calls[i], p, windows, std::size_t(o.y));
            for (int k = 0; k < max_inputs; ++k)
                if (o.x[k] >= 0) calls[i].x[std::size_t(k)] = windows[std::size_t(o.x[k])];
        }
        return calls;
    }

    struct input_of { // input of the tile's first kernel
        device_samples from;
        window to;
        pixel_values values;
    };
    void run_tile(const plan& p, input_of input, const store_samples& store, const notice_function& notice) {
        const auto windows = place(p);
        const auto calls = calls_of(p, windows);
        const auto by_library = library_.find(calls, notice);
        const auto area_of = [&](std::size_t t) {
            call c;
            c.queue = device_->queue();
            take_area(c, p, windows, t);
            return c;
        };
        detail::launch_values<device>(area_of(0), load_samples(input.from, windows[0], input.values));
        for (std::size_t i = 0; i < calls.size(); ++i)
            by_library[i] ? by_library[i].run() : graph_.operations[i].kernels->forward(calls[i]);
        const call area = area_of(windows.size() - 1);
        detail::launch<device>(area, value_kernel<last_pass>(area, 1, last_pass_of(windows, store)));
    }

    last_pass last_pass_of(const std::vector<window>& windows, const store_samples& store) const {
        last_pass pass{.store = store};
        const int n = int(graph_.operations.size());
        if (last_pass_begins_ == n) { // without fused operations, converts the last tensor
            pass.steps[pass.count++].x[0] = device_view(windows.back());
            return pass;
        }
        for (int i = last_pass_begins_; i < n; ++i) {
            const operation& o = graph_.operations[std::size_t(i)];
            last_step& step = pass.steps[pass.count++];
            detail::has_last_step(o, step);
            for (int k = 0; k < max_inputs; ++k)
                if (o.x[k] >= 0 && windows[std::size_t(o.x[k])]) step.x[k] = device_view(windows[std::size_t(o.x[k])]);
        }
        return pass;
    }

    // Memory of an image from its upload to the copy of its result. There are several, so that copies overlap with
    // work.
    struct image_slot {
        struct band { // a row of tiles
            typename device::event computed, down;
        };
        device_buffer<device, memory_place::device> in, out, flag;
        device_buffer<device, memory_place::host> staging_in, staging_out;
        typename device::event up;
        std::deque<band> bands;
        std::optional<detail::tiling> tiles;

        explicit image_slot(device& d) : in(d), out(d), flag(d), staging_in(d), staging_out(d) {
            flag.reserve(sizeof(int), "a flag");
        }
    };
    image_slot& slot_of(int number) { return slots_[std::size_t(number % at_once)]; }

    device_samples upload(image_slot& slot, const samples_view<const std::byte>& in) {
        device_->wait(slot.up); // pending if the previous image failed after its upload
        slot.staging_in.reserve(in.bytes(), "the input");
        slot.in.reserve(in.bytes(), "the input");
        std::byte* to = slot.staging_in.data();
        for (int n = 0; n < in.batch; ++n)
            for (int y = 0; y < in.height; ++y, to += in.dense_row())
                std::memcpy(to, in.data + n * in.image_bytes + y * in.row_bytes, in.dense_row());
        device_->upload(slot.in.data(), slot.staging_in.data(), in.bytes(), device_lane::up);
        device_->mark(slot.up, device_lane::up);
        device_->await(slot.up, device_lane::work);
        return {slot.in.data(), in};
    }

    // Returns the output rows that are complete after a row of tiles. With several images they are not contiguous, so
    // all come at the end.
    static range rows_of(const detail::tiling& tiles, int band, const samples_view<std::byte>& out) {
        const bool last = band + 1 == tiles.rows();
        if (out.batch > 1) return last ? range{0, out.height} : range{};
        return {band * tiles.height, last ? out.height : (band + 1) * tiles.height};
    }
    void download(image_slot& slot, const samples_view<std::byte>& out, const detail::tiling& tiles, int band) {
        auto& [computed, down] = slot.bands[std::size_t(band)];
        device_->mark(computed, device_lane::work);
        device_->await(computed, device_lane::down);
        const range rows = rows_of(tiles, band, out);
        const std::size_t begin = std::size_t(rows.begin) * out.dense_row(),
                          bytes = std::size_t(rows.size()) * out.dense_row() * std::size_t(out.batch);
        std::byte* const to = slot.staging_out.data();
        if (bytes > 0) device_->download(to + begin, slot.out.data() + begin, bytes, device_lane::down);
        if (band + 1 == tiles.rows())
            device_->download(to + out.bytes(), slot.flag.data(), sizeof(int), device_lane::down);
        device_->mark(down, device_lane::down);
    }
    static void copy_rows(const image_slot& slot, const samples_view<std::byte>& out, range rows) {
        for (int n = 0; n < out.batch; ++n)
            for (int y = rows.begin; y < rows.end; ++y) {
                const std::size_t at = (std::size_t(n) * std::size_t(out.height) + std::size_t(y)) * out.dense_row();
                std::memcpy(out.data + n * out.image_bytes + y * out.row_bytes, slot.staging_out.data() + at,
                            out.dense_row());
            }
    }

    const graph& graph_;
    std::unique_ptr<device> device_; // declared before everything that lives on it
    device_weights<device> weights_;
    library_convolutions<device> library_;
    int last_pass_begins_;
    std::vector<call> calls_; // calls without the members that depend on the tile
    device_buffer<device, memory_place::device> arena_{*device_};
    std::array<image_slot, at_once> slots_{image_slot(*device_), image_slot(*device_)};
    int begun_ = 0, ended_ = 0; // numbers of images
    recordings<device, tile_work> recordings_{*device_};
    struct room {
        extent input;
        int batch;
        std::optional<schedule> how;
        std::size_t budget;
        bool operator==(const room&) const = default;
    };
    std::optional<room> last_room_;
    std::optional<detail::tiling> last_tiles_; // tiles for last_room_
};

} // namespace fovea
