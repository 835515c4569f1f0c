// Computes a call on tensors in 16 bits by a kernel that takes float32. A run is some rows and columns of the output;
// it goes through float32 copies in scratch memory.
//
// Runs lie in strips of columns, from top to bottom; within a strip each row of the input is widened once. They end at
// multiples of the operation's grain, so that no Winograd tile is computed twice. Conversion is number by number, and a
// kernel gives a pixel the same bits in every run, so that the result does not depend on the cut.
#pragma once
#include "fovea/graph/graph.hpp"
#include "fovea/ops/float_rows.hpp"

namespace fovea {

// One call on 16-bit tensors, cut into runs.
class float_runs {
  public:
    // Returns whether a call has 16-bit tensors that its kernel does not take.
    static bool needed(const operation& o, const call& c) {
        return !o.takes_16_bits && (c.x[0].in_16_bits() || c.x[1].in_16_bits() || c.y.in_16_bits());
    }

    // Chooses runs so wide that the copies stay in the second cache, where the kernel finds them, but not so small that
    // the cost of a call, or what it computes again, would show.
    float_runs(const graph& g, const operation& o, const call& c) : g_(g), o_(o), c_(c) {
        constexpr std::size_t cache = 1 << 20;
        constexpr int least_columns = 128, least_rows = 4;
        rows_ = whole_grains(std::max(least_rows, 8 * o.recomputed));
        columns_ = whole_grains(o.reads.grains(c.cols).size());
        while (columns_ >= 2 * least_columns && copies() > cache) columns_ = whole_grains((columns_ + 1) / 2);
        const auto fits = [&] { return rows_ < c.rows.size() && 2 * copies() <= cache; };
        while (fits()) rows_ *= 2;
    }

    // The largest run, in rows and columns of the output.
    int rows() const { return rows_; }
    int columns() const { return columns_; }

    // Returns bytes of scratch memory, the kernel's own included.
    std::size_t scratch() const {
        std::size_t most = 0;
        each_run(c_.images.begin, [&](const call& part) { most = std::max(most, o_.kernels->scratch(part)); });
        return copies() + most;
    }

    // Computes the call.
    void run() const {
        for (int n = c_.images.begin; n < c_.images.end; ++n)
            each_strip([&](range cols) {
                std::byte* memory = c_.scratch;
                const auto take = [&](const window& w, range columns, int most_columns, int rows) {
                    const float_rows copy(w, columns, rows, memory);
                    memory += aligned(float_rows::bytes(w, most_columns, rows));
                    return copy;
                };
                float_rows x = take(c_.x[0], o_.reads(cols, c_.x[0].width), reach(columns_), reach(rows_));
                float_rows skip = take(c_.x[1], cols, columns_, rows_), y = take(c_.y, cols, columns_, rows_);
                each_run(n, cols, [&](call part) {
                    x.fetch(g_.backend.widen, n, o_.reads(part.rows, c_.x[0].height), part.rows.begin == c_.rows.begin);
                    skip.fetch(g_.backend.widen, n, part.rows, true);
                    part.x = {x.view(), skip.view()}, part.y = y.view();
                    part.scratch = memory;
                    o_.kernels->forward(part);
                    y.put(g_.backend.narrow, n, part.rows);
                });
            });
    }

  private:
    static std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }
    int whole_grains(int n) const { return (n + o_.reads.grain - 1) / o_.reads.grain * o_.reads.grain; }
    // Returns how many rows or columns of the input at most n of the output read, wherever they begin.
    int reach(int n) const {
        const footprint& f = o_.reads;
        return (n - 1 + f.magnify - 1) / f.magnify * f.stride + 2 * f.radius + 1;
    }
    std::size_t copies() const {
        return aligned(float_rows::bytes(c_.x[0], reach(columns_), reach(rows_))) +
               aligned(float_rows::bytes(c_.x[1], columns_, rows_)) + aligned(float_rows::bytes(c_.y, columns_, rows_));
    }

    template <class F> void each_part(range all, int size, F f) const {
        for (range now{all.begin, 0}; now.begin < all.end; now.begin = now.end) {
            now.end = std::min((now.begin + size) / o_.reads.grain * o_.reads.grain, all.end);
            f(now);
        }
    }
    template <class F> void each_strip(F f) const { each_part(c_.cols, columns_, f); }
    // Calls f(call) for the runs of a strip of image n, or of all strips.
    template <class F> void each_run(int n, range strip, F f) const {
        each_part(c_.rows, rows_, [&](range rows) {
            call part = c_;
            part.images = {n, n + 1}, part.rows = rows, part.cols = strip;
            f(part);
        });
    }
    template <class F> void each_run(int n, F f) const {
        each_strip([&](range strip) { each_run(n, strip, f); });
    }

    const graph& g_;
    const operation& o_;
    const call c_;
    int rows_, columns_;
};

} // namespace fovea
