// Splits the call of one operation among the threads of a context. The pieces depend only on shapes and on the number
// of threads; each has scratch memory of its own. The bits of a pixel do not depend on the piece that it is in.
#pragma once
#include <cstdint>
#include <numeric>

#include "fovea/core/threads.hpp"
#include "fovea/engine/float_runs.hpp"

namespace fovea::detail {

// Writes zeros into the kept columns outside the image that lie beside the columns which were just computed.
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

// How a call is cut for a number of workers: by images as far as they can be shared evenly, and each share by rows and
// columns so that the largest piece is as small as possible, with the halo that a fused block computes again. Rows and
// columns end at multiples of the operation's grain. The first pieces are the larger ones, because the first worker
// begins first. A piece may be empty.
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
            // Of equal cuts the one with more columns is taken, because a fused block passes through its rows one by
            // one.
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
                return std::min((even + step - 1) / step * step, r.end);
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

// Returns the bytes of scratch memory that each of `workers` needs for its piece of `whole`, whose windows may have no
// data.
inline std::size_t scratch_of(const graph& g, const operation& o, const call& whole, int workers) {
    const auto cut = cut::of(o, whole, workers);
    const bool in_runs = float_runs::needed(o, whole);
    std::size_t bytes = 0;
    for (int k = 0; k < cut.pieces() && (in_runs || o.kernels->takes_scratch); ++k) {
        const call c = cut.piece(whole, k);
        bytes = std::max(bytes, in_runs ? float_runs(g, o, c).scratch() : o.kernels->scratch(c));
    }
    return bytes;
}

// Computes all of `whole` on the threads. element: bytes of a number of y.
inline void compute(const graph& g, const operation& o, const call& whole, context& threads, std::size_t element) {
    const auto cut = cut::of(o, whole, threads.threads());
    const bool in_runs = float_runs::needed(o, whole);
    threads.reserve_scratch(scratch_of(g, o, whole, threads.threads()));
    threads.parallel_for(cut.pieces(), [&](int k, int worker) noexcept {
        call c = cut.piece(whole, k);
        if (c.rows.empty() || c.cols.empty()) return; // and clears no margin, which its neighbour does
        c.scratch = threads.scratch(worker);
        in_runs ? float_runs(g, o, c).run() : o.kernels->forward(c);
        for (int n = c.images.begin; n < c.images.end; ++n) clear_margins(c.y, n, c.rows, c.cols, element);
    });
}

} // namespace fovea::detail
