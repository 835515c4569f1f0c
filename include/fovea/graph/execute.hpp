// Running a plan: bands of rows through the operations, each split among the threads of a context.
#pragma once
#include <cstdint>
#include <cstring>
#include <functional>
#include <numeric>

#include "fovea/core/threads.hpp"
#include "fovea/graph/float_runs.hpp"
#include "fovea/graph/schedule.hpp"
#include "fovea/graph/weights.hpp"

namespace fovea {

// Fills the rows and columns of the network's input inside `into`, of image n; called with rows in ascending order.
using row_source = std::function<void(int n, range rows, range cols, const window& into)>;
// Takes finished rows of the network's output.
using row_sink = std::function<void(int n, range rows, range cols, const window& from)>;

// Sees what every operation computed, on the thread that runs the plan: rows and columns of the call's y, which has the
// format of its window.
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

// How a call is cut for so many workers: by images as far as that comes out even, each then by rows and columns so that
// the largest piece, with the halo that a fused block computes again, is the smallest that it can be. Rows and columns
// end at multiples of the footprint's grain. A piece may be empty.
struct cut {
    int images = 1, rows = 1, cols = 1, grain = 1;
    int pieces() const { return images * rows * cols; }
    static cut of(const operation& o, const call& c, int workers) {
        if (o.reads.whole) return {.images = std::min(c.images.size(), workers)};
        return of(o.reads.grain, o.recomputed, c.images.size(), c.rows, c.cols, workers);
    }
    static cut of(int grain, int recomputed, int batch, range down_to, range along_to, int workers) {
        if (workers == 1) return {};
        const footprint grains{.grain = grain};
        cut best{.images = std::gcd(batch, workers), .grain = grain};
        const int each = workers / best.images, halo = 2 * recomputed;
        const std::ptrdiff_t down = grains.grains(down_to).size() / grain,
                             along = grains.grains(along_to).size() / grain;
        std::ptrdiff_t least = PTRDIFF_MAX;
        for (int cols = 1; cols <= each; ++cols) {
            const int rows = each / cols;
            const std::ptrdiff_t height = (down + rows - 1) / rows * grain, width = (along + cols - 1) / cols * grain;
            const std::ptrdiff_t work = (height + halo) * (width + halo);
            // Blocks pass through rows one after another: columns, where either will do.
            if (work > least || (work == least && recomputed == 0)) continue;
            least = work, best.rows = rows, best.cols = cols;
        }
        return best;
    }
    template <class Call> Call piece(const Call& whole, int i) const {
        const auto part = [](range r, int k, int n, int step) {
            const auto border = [&](int at) {
                if (at == 0 || at == n) return at == 0 ? r.begin : r.end;
                const int even = r.begin + int(std::ptrdiff_t(r.size()) * at / n);
                return std::max(r.begin, even / step * step);
            };
            return range{border(k), border(k + 1)};
        };
        Call c = whole;
        c.images = part(whole.images, i / (rows * cols), images, 1);
        c.rows = part(whole.rows, i / cols % rows, rows, grain);
        c.cols = part(whole.cols, i % cols, cols, grain);
        return c;
    }
};

// The scratch memory that each of so many workers needs for its piece of `whole`; windows may be without data.
inline std::size_t scratch_of(const graph& g, const operation& o, const call& whole, int workers) {
    const auto cut = cut::of(o, whole, workers);
    const bool in_runs = float_runs::needed(o, whole);
    std::size_t bytes = 0;
    for (int k = 0; k < cut.pieces() && (in_runs || o.scratch); ++k) {
        const call c = cut.piece(whole, k);
        bytes = std::max(bytes, in_runs ? float_runs(g, o, c).scratch() : o.scratch(c));
    }
    return bytes;
}

// All of `whole`, split among the threads. `element`: bytes of a number of y.
inline void compute(const graph& g, const operation& o, const call& whole, context& threads, std::size_t element) {
    const auto cut = cut::of(o, whole, threads.threads());
    const bool in_runs = float_runs::needed(o, whole);
    threads.reserve_scratch(scratch_of(g, o, whole, threads.threads()));
    threads.parallel_for(cut.pieces(), [&](int k, int worker) noexcept {
        call c = cut.piece(whole, k);
        if (c.rows.empty() || c.cols.empty()) return; // nor does it clear what its neighbour clears
        c.scratch = threads.scratch(worker);
        in_runs ? float_runs(g, o, c).run() : o.forward(c);
        for (int n = c.images.begin; n < c.images.end; ++n) clear_margins(c.y, n, c.rows, c.cols, element);
    });
}

} // namespace detail

class executor {
  public:
    executor(const graph& g, const weight_store& weights, context& threads, operation_observer observe = {})
        : graph_(g), threads_(threads), observe_(std::move(observe)) {
        calls_.reserve(g.operations.size());
        for (auto& o : g.operations) calls_.push_back(detail::call_of(o, weights));
        find_last_readers();
        windows_.resize(g.tensors.size()), done_.resize(g.tensors.size());
    }

    // Runs one plan in `arena`, which has p.bytes and is aligned. `step` is called after each band with the part that
    // is done, and may return false to stop. Allocates nothing but scratch memory that the context does not have yet.
    template <class Step>
    bool run(const plan& p, std::byte* arena, const row_source& source, const row_sink& sink, Step step) {
        place(p, arena);
        std::fill_n(arena + p.zeros, p.zero_bytes, std::byte{0});
        const std::size_t last = p.tensors.size() - 1;
        for (std::size_t b = 0; b < p.ends.size(); ++b) {
            const auto& end = p.ends[b];
            const auto bring_back = [&](std::size_t t) {
                if (b > 0) move_rows(p, t, {p.keep[b - 1][t], done_[t]}, false);
            };
            bring_back(0);
            take(source, {done_[0], end[0]});
            for (std::size_t i = 0; i < p.tail; ++i) {
                const std::size_t y = std::size_t(graph_.operations[i].y);
                bring_back(y);
                if (end[y] > done_[y]) compute(i, {done_[y], end[y]});
                for (std::size_t t : last_read_by_[i]) move_rows(p, t, {p.keep[b][t], end[t]}, true);
            }
            finish(p, {done_[last], end[last]}, sink);
            for (std::size_t i = p.tail; i < calls_.size(); ++i)
                for (std::size_t t : last_read_by_[i]) move_rows(p, t, {p.keep[b][t], end[t]}, true);
            done_ = end;
            if (!step(double(b + 1) / double(p.ends.size()))) return false;
        }
        return true;
    }

    // The scratch memory that running this plan takes of the context, for each worker.
    std::size_t scratch_bytes(const plan& p) {
        place(p, nullptr);
        std::size_t most = 0;
        for (const auto& end : p.ends) {
            for (std::size_t i = 0; i < p.tail; ++i) {
                const auto& o = graph_.operations[i];
                call whole = calls_[i];
                whole.rows = {done_[std::size_t(o.y)], end[std::size_t(o.y)]};
                if (!whole.rows.empty())
                    most = std::max(most, detail::scratch_of(graph_, o, whole, threads_.threads()));
            }
            if (p.tail < calls_.size()) most = std::max(most, memory_of_tail(p, {done_.back(), end.back()}).all);
            done_ = end;
        }
        return most;
    }

  private:
    void find_last_readers() {
        last_read_by_.resize(calls_.size());
        for (std::size_t t = 0; t < graph_.tensors.size(); ++t)
            for (std::size_t i = calls_.size(); i-- > 0;)
                if (std::ranges::find(graph_.operations[i].x, int(t)) != graph_.operations[i].x.end()) {
                    last_read_by_[i].push_back(t);
                    break;
                }
    }

    // Windows and calls of a plan whose tensors lie in `arena`, if there is one yet, before its first row.
    void place(const plan& p, std::byte* arena) {
        arena_ = arena;
        for (std::size_t i = 0; i < windows_.size(); ++i) {
            done_[i] = p.tensors[i].rows.begin;
            windows_[i] = window_of(graph_, p, i, arena);
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
        detail::compute(graph_, o, whole, threads_, bytes_of(whole.y.format));
        if (observe_) observe_(o, whole);
    }

    // Rows of tensor t between its ring and the place where they wait for the next band.
    void move_rows(const plan& p, std::size_t t, range rows, bool aside) {
        const auto& part = p.tensors[t];
        const window& w = windows_[t];
        if (part.saved == 0 || rows.empty()) return;
        const std::size_t element = bytes_of(w.format), bytes = std::size_t(w.row_stride) * element;
        threads_.parallel_for(p.batch * rows.size(), [&](int k, int) noexcept {
            const int n = k / rows.size(), y = rows.begin + k % rows.size();
            std::byte* ring = w.data + (n * w.image_stride + y % w.stored * w.row_stride) * std::ptrdiff_t(element);
            std::byte* place = arena_ + part.saved_offset + std::size_t(n * part.saved + y % part.saved) * bytes;
            aside ? std::memcpy(place, ring, bytes) : std::memcpy(ring, place, bytes);
        });
    }

    // f(image, rows, worker) for rows of all images, split among the threads.
    template <class F> void share_rows(range rows, F f) {
        if (rows.empty()) return;
        const int images = calls_.empty() ? 1 : calls_[0].images.size(),
                  pieces = std::min(threads_.threads(), rows.size());
        threads_.parallel_for(images * pieces, [&](int k, int worker) noexcept {
            const int n = k / pieces, part = k % pieces;
            f(n, range{rows.begin + rows.size() * part / pieces, rows.begin + rows.size() * (part + 1) / pieces},
              worker);
        });
    }

    void take(const row_source& source, range rows) {
        const window& w = windows_[0];
        const range cols = range{w.left, w.left + w.columns}.clip(w.width);
        share_rows(rows, [&](int n, range mine, int) {
            source(n, mine, cols, w);
            detail::clear_margins(w, n, mine, cols, bytes_of(w.format));
        });
    }

    struct tail_memory {                            // of a worker, in bytes
        std::size_t scratch = 0, kept = 0, all = 0; // of an operation; of a tensor's rows; of both, for all tensors
    };
    tail_memory memory_of_tail(const plan& p, range rows) const {
        tail_memory m;
        for (std::size_t i = p.tail; i < calls_.size(); ++i) {
            call c = calls_[i];
            c.rows = rows;
            if (auto bytes = graph_.operations[i].scratch) m.scratch = std::max(m.scratch, detail::aligned(bytes(c)));
            const auto numbers = std::size_t(c.y.row_stride) * std::size_t(rows_of_tail());
            m.kept = std::max(m.kept, detail::aligned(sizeof(float) * numbers));
        }
        const auto first = std::size_t(graph_.operations[p.tail].y);
        m.all = m.scratch + m.kept * (graph_.tensors.size() - first);
        return m;
    }
    int rows_of_tail() const { // at a time
        const int scale = graph_.tensors.back().scale.num;
        return (4 + scale - 1) / scale * scale;
    }

    // The tail, so few rows at a time that its tensors, all float32, stay in the caches, and the sink.
    void finish(const plan& p, range rows, const row_sink& sink) {
        const window& last = windows_.back();
        const range cols = range{last.left, last.left + last.columns}.clip(last.width);
        if (p.tail == calls_.size())
            return share_rows(rows, [&](int n, range mine, int) { sink(n, mine, cols, last); });

        const int step = rows_of_tail(), first = graph_.operations[p.tail].y; // and the tensors after it
        const tail_memory bytes = memory_of_tail(p, rows);
        threads_.reserve_scratch(bytes.all);
        share_rows(rows, [&](int n, range mine, int worker) {
            std::byte* const memory = threads_.scratch(worker);
            const auto here = [&](int t, window w) {
                if (t < first) return w;
                w.data = memory + bytes.scratch + std::size_t(t - first) * bytes.kept;
                w.stored = step, w.image_stride = 0;
                return w;
            };
            for (range now{mine.begin, 0}; now.begin < mine.end; now.begin = now.end) {
                now.end = std::min(now.begin + step, mine.end);
                for (std::size_t i = p.tail; i < calls_.size(); ++i) {
                    const auto& o = graph_.operations[i];
                    call c = calls_[i];
                    c.images = {n, n + 1}, c.rows = now, c.scratch = memory;
                    for (int k = 0; k < max_inputs; ++k)
                        if (o.x[k] >= 0) c.x[std::size_t(k)] = here(o.x[k], c.x[std::size_t(k)]);
                    c.y = here(o.y, c.y);
                    o.forward(c);
                }
                sink(n, now, cols, here(int(windows_.size()) - 1, last));
            }
        });
    }

    const graph& graph_;
    context& threads_;
    operation_observer observe_;
    std::vector<call> calls_;
    std::byte* arena_ = nullptr;
    std::vector<window> windows_;
    std::vector<int> done_;                              // by tensor: computed up to this row
    std::vector<std::vector<std::size_t>> last_read_by_; // by operation: tensors that no later one reads
};

} // namespace fovea
