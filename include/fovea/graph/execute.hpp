// Running a plan: bands of rows through the operations, each split among the threads of a context.
#pragma once
#include <functional>

#include "fovea/core/threads.hpp"
#include "fovea/graph/schedule.hpp"
#include "fovea/graph/weights.hpp"

namespace fovea {

// Fills the rows and columns of the network's input inside `into`, of image n; called with rows in ascending order.
using row_source = std::function<void(int n, range rows, range cols, const window& into)>;
// Takes finished rows of the network's output.
using row_sink = std::function<void(int n, range rows, range cols, const window& from)>;

// Sees what every operation computed, on the thread that runs the plan: rows and columns of the call's y.
using operation_observer = std::function<void(const operation&, const call&)>;

namespace detail {

inline call call_of(const operation& o, const weight_store& weights) {
    call c;
    c.a = o.a, c.dims = o.dims;
    for (int k = 0; k < max_weights; ++k) c.w[std::size_t(k)] = weights[o.w[k]];
    return c;
}

// Zeros in the kept columns that lie outside the image, beside the columns that were just computed.
inline void clear_margins(const window& w, int n, range rows, range cols, std::size_t element) {
    const std::size_t pixel = std::size_t(w.channels) * element;
    const auto clear = [&](int y, int from, int to) {
        if (from >= to) return;
        std::byte* row = w.data + (n * w.image_stride + (y % w.stored) * w.row_stride) * std::ptrdiff_t(element);
        std::fill_n(row + std::size_t(from - w.left) * pixel, std::size_t(to - from) * pixel, std::byte{0});
    };
    for (int y = rows.begin; y < rows.end; ++y) {
        if (cols.begin == 0) clear(y, w.left, 0);
        if (cols.end == w.width) clear(y, w.width, w.left + w.columns);
    }
}

// How a call is cut for so many workers: by images, else by rows, by columns where rows are few or a block repeats its
// halo; rows and columns at multiples of the footprint's grain. Piece i of `pieces`; a piece may be empty.
struct cut {
    int images = 1, rows = 1, cols = 1, grain = 1;
    int pieces() const { return images * rows * cols; }
    static cut of(const operation& o, const call& c, int workers) {
        if (workers == 1) return {};
        const int batch = c.images.size();
        if (batch % workers == 0) return {.images = workers};
        const int grain = o.reads.grain, runs = o.reads.grains(c.rows).size() / grain;
        const bool wide = c.cols.size() >= 2 * workers * (o.recomputed + grain);
        if (o.reads.whole) return {.images = std::min(batch, workers)};
        if ((o.recomputed || runs < 2 * workers) && wide) return {.cols = workers, .grain = grain};
        return {.rows = std::min(workers, runs), .grain = grain};
    }
    call piece(const call& whole, int i) const {
        const auto part = [](range r, int k, int n, int step) {
            const auto border = [&](int at) {
                if (at == 0 || at == n) return at == 0 ? r.begin : r.end;
                const int even = r.begin + int(std::ptrdiff_t(r.size()) * at / n);
                return std::max(r.begin, even / step * step);
            };
            return range{border(k), border(k + 1)};
        };
        call c = whole;
        c.images = part(whole.images, i / (rows * cols), images, 1);
        c.rows = part(whole.rows, i / cols % rows, rows, grain);
        c.cols = part(whole.cols, i % cols, cols, grain);
        return c;
    }
};

} // namespace detail

class executor {
  public:
    executor(const graph& g, const weight_store& weights, context& threads, operation_observer observe = {})
        : graph_(g), threads_(threads), observe_(std::move(observe)) {
        calls_.reserve(g.operations.size());
        for (auto& o : g.operations) calls_.push_back(detail::call_of(o, weights));
    }

    // Runs one plan. `step` is called after each band with the part that is done, and may return false to stop.
    template <class Step>
    bool run(const plan& p, storage& arena, const row_source& source, const row_sink& sink, Step step) {
        place(p, arena);
        std::vector<int> done(p.tensors.size());
        for (std::size_t i = 0; i < done.size(); ++i) done[i] = p.tensors[i].rows.begin;
        const std::size_t last = p.tensors.size() - 1;
        int band = 0;
        for (auto& end : p.ends) {
            exchange(source, 0, {done[0], end[0]}, true);
            for (std::size_t i = 0; i < calls_.size(); ++i) {
                const std::size_t y = std::size_t(graph_.operations[i].y);
                if (end[y] > done[y]) compute(i, {done[y], end[y]});
            }
            exchange(sink, last, {done[last], end[last]}, false);
            done = end;
            if (!step(double(++band) / double(p.ends.size()))) return false;
        }
        return true;
    }

  private:
    static constexpr std::size_t element = sizeof(float);

    void place(const plan& p, storage& arena) {
        arena.reserve(p.bytes);
        std::fill_n(arena.data() + p.zeros, p.zero_bytes, std::byte{0});
        windows_.resize(p.tensors.size());
        for (std::size_t i = 0; i < windows_.size(); ++i) {
            const auto& part = p.tensors[i];
            const std::ptrdiff_t row = std::ptrdiff_t(part.cols.size()) * graph_.tensors[i].channels;
            windows_[i] = {.data = arena.data() + part.offset,
                           .zeros = arena.data() + p.zeros,
                           .height = p.extents[i].height,
                           .width = p.extents[i].width,
                           .channels = graph_.tensors[i].channels,
                           .left = part.cols.begin,
                           .columns = part.cols.size(),
                           .stored = std::max(part.stored, 1),
                           .row_stride = row,
                           .image_stride = row * part.stored};
        }
        for (std::size_t i = 0; i < calls_.size(); ++i) {
            const auto& o = graph_.operations[i];
            auto& c = calls_[i];
            for (int k = 0; k < max_inputs; ++k)
                c.x[std::size_t(k)] = o.x[k] >= 0 ? windows_[std::size_t(o.x[k])] : window{};
            c.y = windows_[std::size_t(o.y)];
            c.images = {0, p.batch}, c.cols = p.tensors[std::size_t(o.y)].cols.clip(c.y.width);
        }
    }

    void compute(std::size_t i, range rows) {
        const auto& o = graph_.operations[i];
        call whole = calls_[i];
        whole.rows = rows;
        const auto cut = detail::cut::of(o, whole, threads_.threads());
        if (o.scratch) {
            std::size_t bytes = 0;
            for (int k = 0; k < cut.pieces(); ++k) bytes = std::max(bytes, o.scratch(cut.piece(whole, k)));
            threads_.reserve_scratch(bytes);
        }
        threads_.parallel_for(cut.pieces(), [&](int k, int worker) noexcept {
            call c = cut.piece(whole, k);
            c.scratch = threads_.scratch(worker);
            o.forward(c);
            for (int n = c.images.begin; n < c.images.end; ++n) detail::clear_margins(c.y, n, c.rows, c.cols, element);
        });
        if (observe_) observe_(o, whole);
    }

    // Rows that come from the source or go to the sink, split among the threads.
    template <class F> void exchange(const F& f, std::size_t t, range rows, bool incoming) {
        if (rows.empty()) return;
        const window& w = windows_[t];
        const range cols = range{w.left, w.left + w.columns}.clip(w.width);
        const int images = calls_.empty() ? 1 : calls_[0].images.size(),
                  pieces = std::min(threads_.threads(), rows.size());
        threads_.parallel_for(images * pieces, [&](int k, int) noexcept {
            const int n = k / pieces, part = k % pieces;
            const range mine{rows.begin + rows.size() * part / pieces, rows.begin + rows.size() * (part + 1) / pieces};
            f(n, mine, cols, w);
            if (incoming) detail::clear_margins(w, n, mine, cols, element);
        });
    }

    const graph& graph_;
    context& threads_;
    operation_observer observe_;
    std::vector<call> calls_;
    std::vector<window> windows_;
};

} // namespace fovea
