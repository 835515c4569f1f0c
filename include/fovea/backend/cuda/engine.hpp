// Runs a network's graph on a device: samples up, every operation as a kernel, the last ones in one pass, samples down.
//
// Device, of which backend/cuda/device.cuh is the one with a GPU:
//   void* queue();                                        of kernels and copies, which run in order
//   template <class K> static void launch(void* queue, const K&, int blocks);
//   void* allocate(std::size_t bytes, memory_place);      null where there is too little memory
//   void release(void*, memory_place) noexcept;
//   std::size_t free_bytes();                             of the device's memory
//   void upload(void* to, const void* from, std::size_t bytes), download(...);    from and to memory_place::host
//   void clear(void* to, std::size_t bytes);              zeros
//   void wait();                                          for everything in the queue; throws what failed
//   bool begin_recording();                               of what is put into the queue, instead of running it; false:
//                                                         this device records nothing
//   recording end_recording();
//   void drop_recording() noexcept;                       ends it, too
//   void replay(const recording&);                        into the queue
// and where it has a library of convolutions, which those in 16 bits and TF32 are left to:
//   void open_convolutions();                             throws where the library cannot be used
//   const convolution_plan* find_convolution(const library_convolution&, const notice_function&);
//                                                         null where the library lacks it; it may measure where it is
//                                                         asked for the first time
//   void save_convolutions(const notice_function&);       what was measured, for the next run
#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "fovea/backend/cuda/buffer.hpp"
#include "fovea/backend/cuda/last_pass.hpp"
#include "fovea/backend/cuda/library_convolutions.hpp"
#include "fovea/backend/cuda/recordings.hpp"
#include "fovea/model/engine.hpp"

namespace fovea {

// The weights of a graph in a device's memory.
template <class Device> class device_weights {
  public:
    device_weights(Device& device, const graph& g, const weight_store& weights)
        : memory_(device), offsets_(g.weights.size()) {
        std::size_t all = 0;
        for (std::size_t i = 0; i < offsets_.size(); ++i) {
            offsets_[i] = all;
            all += (weights.bytes(int(i)) + alignment - 1) / alignment * alignment;
        }
        if (all == 0) return;
        memory_.reserve(all, "weights");
        device_buffer<Device, memory_place::host> staging(device);
        staging.reserve(all, "weights");
        for (std::size_t i = 0; i < offsets_.size(); ++i)
            if (const std::size_t bytes = weights.bytes(int(i)))
                std::memcpy(staging.data() + offsets_[i], weights[int(i)], bytes);
        device.upload(memory_.data(), staging.data(), all);
        device.wait();
    }
    const std::byte* operator[](int i) const { return i < 0 ? nullptr : memory_.data() + offsets_[std::size_t(i)]; }

  private:
    static constexpr std::size_t alignment = 256; // of what cudaMalloc gives
    device_buffer<Device, memory_place::device> memory_;
    std::vector<std::size_t> offsets_;
};

// What the kernels of a tile depend on besides numbers in memory.
struct tile_work {
    device_samples from, to;
    pixel_values values;
    int batch;
    rectangle part;
    const std::byte* arena;
    bool operator==(const tile_work&) const = default;
};

// Of a graph that was traced for Backend.
template <class Backend> class device_engine final : public engine {
  public:
    using device = typename Backend::device;

    device_engine(const graph& g, const weight_store& weights, std::unique_ptr<device> on)
        : graph_(g),
          device_(std::move(on)),
          weights_(*device_, g, weights),
          library_(*device_, g),
          last_pass_begins_(first_of_last_pass<Backend>(g)) {
        for (auto& o : g.operations) {
            call c;
            c.a = o.a, c.dims = o.dims, c.queue = device_->queue();
            for (int k = 0; k < max_weights; ++k) c.w[std::size_t(k)] = weights_[o.w[k]];
            calls_.push_back(c);
        }
    }

    bool run(samples_view<const std::byte> in, samples_view<std::byte> out, pixel_values values, const run_options& o,
             bool& finite) override {
        if (o.observe) fail("what operations compute on a GPU cannot be observed: expected the cpu backend");
        const device_samples from = upload(in);
        out_.reserve(out.bytes(), "the output");
        device_->clear(flag_.data(), sizeof(int));
        const device_samples into{out_.data(), out};
        const store_samples to(into, values, graph_.tensors.back().channels, flag());
        const detail::tiling tiles = make_room({in.height, in.width}, in.batch, o);
        for (int i = 0; i < tiles.count(); ++i) {
            const tile_work work{from, into, values, in.batch, tiles.at(i), arena_.data()};
            recordings_.run(work, [&] {
                run_tile(plan_of({in.height, in.width}, in.batch, work.part), {from, {}, values}, to, o.notice);
            });
            if (o.progress || o.stop.stop_possible()) device_->wait(); // else the queue never runs dry
            if (o.progress && i + 1 < tiles.count()) o.progress(double(i + 1) / tiles.count());
            if (o.stop.stop_requested()) return false;
        }
        finite = download(out);
        if (o.progress) o.progress(1);
        return true;
    }

  private:
    plan plan_of(extent input, int batch, rectangle part) const {
        return plan_inference(graph_, input, batch, part, part.rows.size(),
                              {.margins = false, .tail = last_pass_begins_});
    }
    std::size_t bytes_of_tile(extent input, int batch, const detail::tiling& tiles) const {
        const int middle = (tiles.rows() - 1) / 2 * tiles.columns() + (tiles.columns() - 1) / 2; // as large as any
        return plan_of(input, batch, tiles.at(middle)).bytes;
    }

    // Tiles whose activations fit, the arena being reserved. Images of one size in a row are planned once.
    detail::tiling make_room(extent input, int batch, const run_options& o) {
        const room wanted{input, batch, o.how, o.device_budget};
        if (!(last_room_ == wanted) || arena_.bytes() == 0) {
            last_tiles_.emplace(find_room(input, batch, o));
            last_room_ = wanted;
        }
        return *last_tiles_;
    }
    // Whole images where they fit, else by halves.
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
            if (side >= input.height && side >= input.width) continue; // the whole
            const detail::tiling tiles = tiles_of(side);
            bytes = bytes_of_tile(input, batch, tiles);
            if (bytes > budget) continue;
            if (arena_.try_reserve(bytes)) return tiles;
            if (o.notice) o.notice(text_of("the GPU has no ", bytes >> 20, " MB for activations: in smaller tiles"));
        }
        fail("an image of ", input.width, 'x', input.height, " needs at least ", (bytes >> 20) + 1,
             " MB of the GPU's memory for activations: expected a budget of that or more, got ", budget >> 20, " MB");
    }

    // The tile's windows onto the arena. It is one band, so that rows lie one after the other: no ring turns.
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
    // Of the operations before the last pass.
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

    struct input_of { // of the tile's first kernel
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
            by_library[i] ? by_library[i].run() : graph_.operations[i].forward(calls[i]);
        const call area = area_of(windows.size() - 1);
        detail::launch<device>(area, value_kernel<last_pass>(area, 1, last_pass_of(windows, store)));
    }

    last_pass last_pass_of(const std::vector<window>& windows, const store_samples& store) const {
        last_pass pass{.store = store};
        const int n = int(graph_.operations.size());
        if (last_pass_begins_ == n) { // the last tensor as it is
            pass.steps[pass.count++].x[0] = device_view(windows.back());
            return pass;
        }
        for (int i = last_pass_begins_; i < n; ++i) {
            const operation& o = graph_.operations[std::size_t(i)];
            last_step& step = pass.steps[pass.count++];
            detail::has_last_step<Backend>(o, step);
            for (int k = 0; k < max_inputs; ++k)
                if (o.x[k] >= 0 && windows[std::size_t(o.x[k])]) step.x[k] = device_view(windows[std::size_t(o.x[k])]);
        }
        return pass;
    }

    device_samples upload(const samples_view<const std::byte>& in) {
        staging_.reserve(in.bytes(), "the input");
        in_.reserve(in.bytes(), "the input");
        std::byte* to = staging_.data();
        for (int n = 0; n < in.batch; ++n)
            for (int y = 0; y < in.height; ++y, to += in.dense_row())
                std::memcpy(to, in.data + n * in.image_bytes + y * in.row_bytes, in.dense_row());
        device_->upload(in_.data(), staging_.data(), in.bytes());
        flag_.reserve(sizeof(int), "a flag");
        return {in_.data(), in};
    }

    // Returns whether all values were finite.
    bool download(const samples_view<std::byte>& out) {
        device_->wait(); // the staging memory may still be read
        staging_.reserve(out.bytes() + sizeof(int), "the output");
        device_->download(staging_.data(), out_.data(), out.bytes());
        device_->download(staging_.data() + out.bytes(), flag_.data(), sizeof(int));
        device_->wait();
        const std::byte* from = staging_.data();
        for (int n = 0; n < out.batch; ++n)
            for (int y = 0; y < out.height; ++y, from += out.dense_row())
                std::memcpy(out.data + n * out.image_bytes + y * out.row_bytes, from, out.dense_row());
        int not_finite = 0;
        std::memcpy(&not_finite, staging_.data() + out.bytes(), sizeof(int));
        return not_finite == 0;
    }
    int* flag() const { return reinterpret_cast<int*>(flag_.data()); }

    const graph& graph_;
    std::unique_ptr<device> device_; // before what lives on it
    device_weights<device> weights_;
    library_convolutions<device> library_;
    int last_pass_begins_;
    std::vector<call> calls_; // of the operations, without what depends on the tile
    device_buffer<device, memory_place::device> arena_{*device_}, in_{*device_}, out_{*device_}, flag_{*device_};
    device_buffer<device, memory_place::host> staging_{*device_};
    recordings<device, tile_work> recordings_{*device_};
    struct room {
        extent input;
        int batch;
        std::optional<schedule> how;
        std::size_t budget;
        bool operator==(const room&) const = default;
    };
    std::optional<room> last_room_;
    std::optional<detail::tiling> last_tiles_; // in it
};

} // namespace fovea
