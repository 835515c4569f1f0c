// Runs a plan: bands of rows go through the operations, each of which is split among the threads of a context.
#pragma once
#include <cstring>
#include <functional>

#include "fovea/engine/split_call.hpp"
#include "fovea/graph/weights.hpp"
#include "fovea/plan/schedule.hpp"

namespace fovea {

// Fills rows and columns of the network's input for image n; called with ascending rows.
using row_source = std::function<void(int n, range rows, range cols, const window& into)>;
// Takes finished rows of the network's output for image n.
using row_sink = std::function<void(int n, range rows, range cols, const window& from)>;

// Is called on the thread that runs the plan after each operation, with the call whose rows and columns of y it has
// computed. y has the format of its window.
using operation_observer = std::function<void(const operation&, const call&)>;

// Runs plans of one network on the threads of a context.
class executor {
  public:
    executor(const graph& g, const weight_store& weights, context threads, operation_observer observe = {})
        : graph_(g), threads_(std::move(threads)), observe_(std::move(observe)) {
        calls_.reserve(g.operations.size());
        for (auto& o : g.operations) calls_.push_back(detail::call_of(o, weights));
        find_last_readers();
        windows_.resize(g.tensors.size()), done_.resize(g.tensors.size());
    }

    // Runs one plan in `arena`, which has p.bytes and is aligned. step(part) is called after each band with the
    // fraction that is done, and may return false to stop. Allocates nothing but scratch memory that the context lacks.
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

    // Returns the bytes of scratch memory that running this plan takes from the context, for each worker.
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

    // Sets windows and calls for a plan whose tensors lie in `arena` (null: not allocated yet), before its first row.
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

    // Copies rows of tensor t from its ring to the place where they wait for the next band, or back.
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

    // Calls f(image, rows, worker) for the rows of all images, split among the threads.
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

    struct tail_memory {         // bytes that a worker needs
        std::size_t scratch = 0; // for the operation that needs most
        std::size_t kept = 0;    // for the rows of one tensor
        std::size_t all = 0;     // for both, with all tensors
    };
    tail_memory memory_of_tail(const plan& p, range rows) const {
        tail_memory m;
        for (std::size_t i = p.tail; i < calls_.size(); ++i) {
            call c = calls_[i];
            c.rows = rows;
            m.scratch = std::max(m.scratch, detail::aligned(graph_.operations[i].kernels->scratch(c)));
            const auto numbers = std::size_t(c.y.row_stride) * std::size_t(rows_of_tail());
            m.kept = std::max(m.kept, detail::aligned(sizeof(float) * numbers));
        }
        const auto first = std::size_t(graph_.operations[p.tail].y);
        m.all = m.scratch + m.kept * (graph_.tensors.size() - first);
        return m;
    }
    int rows_of_tail() const { // that go through the tail at a time
        const int scale = graph_.tensors.back().scale.num;
        return (4 + scale - 1) / scale * scale;
    }

    // Runs the tail and the sink, so few rows at a time that its tensors, all in float32, stay in the caches.
    void finish(const plan& p, range rows, const row_sink& sink) {
        const window& last = windows_.back();
        const range cols = range{last.left, last.left + last.columns}.clip(last.width);
        if (p.tail == calls_.size())
            return share_rows(rows, [&](int n, range mine, int) { sink(n, mine, cols, last); });

        const int step = rows_of_tail();
        const int first = graph_.operations[p.tail].y; // it and the tensors after it are the tail's
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
                    o.kernels->forward(c);
                }
                sink(n, now, cols, here(int(windows_.size()) - 1, last));
            }
        });
    }

    const graph& graph_;
    context threads_;
    operation_observer observe_;
    std::vector<call> calls_;
    std::byte* arena_ = nullptr;
    std::vector<window> windows_;
    std::vector<int> done_;                              // for each tensor: computed up to this row
    std::vector<std::vector<std::size_t>> last_read_by_; // for each operation: the tensors that no later one reads
};

} // namespace fovea
