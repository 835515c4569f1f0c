// Memory and order of work of an inference run, known before anything runs.
//
// The output rectangle is computed in bands of rows. Before each band, a walk from the output to the input says how far
// every tensor must be computed; then each operation computes the rows that are missing. A tensor keeps the rows that
// are still to be read, in a ring, and the columns that are read, with zeros where those lie outside the image. One
// band is the whole-image run; a rectangle that is not the image is a halo tile whose halo shrinks from layer to layer;
// many bands are the stream. Nothing is computed twice within a run.
//
// The last operations are often cheap and bound by memory: pixel shuffle, the enlarged input added, a clamp. They are
// the tail: a few rows at a time run through all of them and on to whoever takes the output, so that none of their
// results is kept.
#pragma once
#include <climits>

#include "fovea/graph/tail.hpp"
#include "fovea/graph/tracer.hpp"

namespace fovea {

// Where a block of memory lies in the arena, and from which step to which it is in use.
struct arena_slot {
    std::size_t bytes = 0, offset = 0;
    int first = -1, last = -1;
    constexpr void use(int step) { first = first < 0 ? step : std::min(first, step), last = std::max(last, step); }
};

// Greedy by size: the largest first, each at the lowest offset where nothing alive at the same time lies. Returns the
// peak.
constexpr std::size_t pack(std::vector<arena_slot>& slots) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < slots.size(); ++i)
        if (slots[i].bytes && slots[i].first >= 0) order.push_back(i);
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return slots[a].bytes != slots[b].bytes ? slots[a].bytes > slots[b].bytes : a < b;
    });
    std::vector<std::size_t> placed; // by offset
    std::size_t peak = 0;
    for (std::size_t i : order) {
        auto& s = slots[i];
        for (std::size_t j : placed) {
            const auto& p = slots[j];
            const bool together = p.first <= s.last && s.first <= p.last;
            if (together && p.offset < s.offset + s.bytes && s.offset < p.offset + p.bytes)
                s.offset = p.offset + p.bytes;
        }
        placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                       [&](std::size_t a, std::size_t b) { return slots[a].offset < slots[b].offset; }),
                      i);
        peak = std::max(peak, s.offset + s.bytes);
    }
    return peak;
}

struct rectangle {
    range rows, cols;
    constexpr bool operator==(const rectangle&) const = default;
};

struct kept_part {  // of one tensor
    range cols;     // may pass the image on either side: zeros there
    range rows;     // all that are ever computed
    int stored = 0; // rows in the ring
    std::size_t offset = 0;
    int saved = 0; // rows that are put aside from one band to the next; 0: the ring itself stays
    std::size_t saved_offset = 0;
};

struct plan {
    int batch = 1;
    rectangle out;
    std::vector<extent> extents;        // by tensor
    std::vector<kept_part> tensors;     // by tensor
    std::vector<std::vector<int>> ends; // by band, by tensor: compute up to this row
    std::vector<std::vector<int>> keep; // by band, by tensor: rows from here to the end are read by later bands
    std::size_t tail = 0;               // the first operation of the tail; the number of operations where there is none
    std::size_t zeros = 0;              // offset of a row of zeros, as long as the longest row in float32
    std::size_t zero_bytes = 0;
    std::size_t bytes = 0; // of the arena
};

namespace detail {

inline constexpr std::size_t arena_alignment = 64;
constexpr std::size_t aligned(std::size_t bytes) {
    return (bytes + arena_alignment - 1) / arena_alignment * arena_alignment;
}

// What operation o reads of its input k for the range `out` of its output; `extent_in` is that of the input.
constexpr range read_by(const operation& o, int k, range out, int extent_in) {
    return k == 0 ? o.reads(out, extent_in) : out;
}
template <class F> // f(operation, k, tensor) for every input of every operation, last operation first
constexpr void each_read_backwards(const graph& g, F f) {
    for (auto o = g.operations.rbegin(); o != g.operations.rend(); ++o)
        for (int k = 0; k < max_inputs; ++k)
            if (o->x[k] >= 0) f(*o, k, std::size_t(o->x[k]));
}

// Rows and columns of every tensor that the output rectangle needs; `margins`: columns outside the image, too.
constexpr void find_parts(const graph& g, plan& p, bool margins) {
    const std::size_t last = g.tensors.size() - 1;
    p.tensors[last].rows = p.out.rows, p.tensors[last].cols = p.out.cols;
    each_read_backwards(g, [&](const operation& o, int k, std::size_t x) {
        const auto& y = p.tensors[std::size_t(o.y)];
        auto [height, width] = p.extents[x];
        p.tensors[x].rows = p.tensors[x].rows.join(read_by(o, k, y.rows, height).clip(height));
        const range cols = read_by(o, k, y.cols.clip(p.extents[std::size_t(o.y)].width), width);
        p.tensors[x].cols = p.tensors[x].cols.join(margins ? cols : cols.clip(width));
    });
}

// How far every tensor must be computed for the output up to `row`.
constexpr std::vector<int> ends_for(const graph& g, const plan& p, int row) {
    std::vector<int> end(g.tensors.size(), INT_MIN / 2);
    end.back() = row;
    each_read_backwards(g, [&](const operation& o, int k, std::size_t x) {
        int& y = end[std::size_t(o.y)];
        if (y <= INT_MIN / 2) return;
        y = o.reads.grains({y - 1, y}).end; // whole tiles: the next band would compute them again
        end[x] = std::max(end[x], read_by(o, k, {y - 1, y}, p.extents[x].height).end);
    });
    return end;
}

// The bands, and with them how many rows each tensor keeps, and how many from one band to the next.
constexpr void cut_bands(const graph& g, plan& p, int band) {
    const std::size_t n = g.tensors.size();
    std::vector<int> done(n, 0);
    for (std::size_t i = 0; i < n; ++i) done[i] = p.tensors[i].rows.begin;
    const range rows = p.out.rows;
    for (auto& o : g.operations)
        if (o.reads.whole) band = rows.size(); // reads its whole input at once
    // The first bands lie above the output, so that the early layers fill their rings band by band and not all at once.
    int start = rows.begin;
    if (rows.size() > band)
        while (ends_for(g, p, start).front() > p.tensors.front().rows.begin) start -= band;
    for (int row = start; row < rows.end; row += band) {
        std::vector<int> end = ends_for(g, p, std::min(row + band, rows.end)), low = done;
        for (std::size_t i = 0; i < n; ++i)
            end[i] = std::max(p.tensors[i].rows.begin, std::min(end[i], p.tensors[i].rows.end));
        std::vector<int> next = end;
        // The lowest row that a reader starts from, in this band and in the next.
        each_read_backwards(g, [&](const operation& o, int k, std::size_t x) {
            const std::size_t y = std::size_t(o.y);
            const auto first = [&](int from) {
                return std::max(p.tensors[x].rows.begin, read_by(o, k, {from, from + 1}, p.extents[x].height).begin);
            };
            if (p.tensors[y].rows.empty()) return;
            low[x] = std::min(low[x], first(done[y]));
            if (end[y] < p.tensors[y].rows.end) next[x] = std::min(next[x], first(end[y]));
        });
        for (std::size_t i = 0; i < n; ++i) {
            p.tensors[i].stored = std::max(p.tensors[i].stored, end[i] - low[i]);
            p.tensors[i].saved = std::max(p.tensors[i].saved, end[i] - next[i]);
        }
        p.ends.push_back(end);
        p.keep.push_back(next);
        done = end;
    }
}

} // namespace detail

struct plan_options {
    bool margins = true; // columns outside the image are kept, as zeros
    int tail = -1;       // the first operation of the tail; -1: it has as many as it can
};

// The plan for output rectangle `out` of images of size `input`, in bands of `band` output rows.
constexpr plan plan_inference(const graph& g, extent input, int batch, rectangle out, int band,
                              plan_options options = {}) {
    const std::size_t n = g.tensors.size();
    plan p;
    p.batch = batch, p.out = out;
    p.extents = extents_of(g, input);
    p.tensors.assign(n, kept_part{});
    detail::find_parts(g, p, options.margins);
    detail::cut_bands(g, p, band);
    p.tail = options.tail < 0 ? detail::tail_of(g) : std::size_t(options.tail);
    for (std::size_t i = p.tail; i < g.operations.size(); ++i) p.tensors[std::size_t(g.operations[i].y)].stored = 0;

    std::vector<arena_slot> slots(2 * n + 1, arena_slot{}); // rings, rows put aside, zeros
    const int steps = int(g.operations.size()) + 1;         // the last one hands the output over
    slots[0].use(0), slots[n - 1].use(steps);
    for (int t = 0; t < steps - 1; ++t) {
        const auto& o = g.operations[std::size_t(t)];
        slots[std::size_t(o.y)].use(t + 1);
        for (int x : o.x)
            if (x >= 0) slots[std::size_t(x)].use(t + 1);
    }
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t numbers = std::size_t(p.tensors[i].cols.size()) * std::size_t(g.tensors[i].channels);
        const std::size_t row = numbers * bytes_of(g.tensors[i].format);
        p.zero_bytes = std::max(p.zero_bytes, detail::aligned(numbers * sizeof(float)));
        slots[i].bytes = detail::aligned(row * std::size_t(p.tensors[i].stored) * std::size_t(batch));
        auto& saved = p.tensors[i].saved;
        if (2 * saved > p.tensors[i].stored) {
            saved = 0;
            slots[i].first = 0, slots[i].last = steps;
        }
        if (saved) slots[n + i] = {detail::aligned(row * std::size_t(saved) * std::size_t(batch)), 0, 0, steps};
    }
    slots[2 * n] = {p.zero_bytes, 0, 0, steps};
    p.bytes = pack(slots);
    for (std::size_t i = 0; i < n; ++i)
        p.tensors[i].offset = slots[i].offset, p.tensors[i].saved_offset = slots[n + i].offset;
    p.zeros = slots[2 * n].offset;
    return p;
}

// Tensor i's window onto the arena where the plan's tensors lie; without data where there is no arena yet, or where the
// plan keeps nothing of the tensor.
inline window window_of(const graph& g, const plan& p, std::size_t i, std::byte* arena) {
    const auto& part = p.tensors[i];
    const std::ptrdiff_t row = std::ptrdiff_t(part.cols.size()) * g.tensors[i].channels;
    return {.data = arena && part.stored ? arena + part.offset : nullptr,
            .zeros = arena ? arena + p.zeros : nullptr,
            .height = p.extents[i].height,
            .width = p.extents[i].width,
            .channels = g.tensors[i].channels,
            .left = part.cols.begin,
            .columns = part.cols.size(),
            .stored = std::max(part.stored, 1),
            .row_stride = row,
            .image_stride = row * part.stored,
            .format = g.tensors[i].format};
}

// Bytes of activations at once for a network on an image of that size, in bands of `band` output rows (0: all at once).
template <class Network, class Backend = shapes_only>
constexpr std::size_t peak_bytes(extent input, int band = 0, const depths& d = {}) {
    tracer<inference, Backend> t;
    t.depth = d;
    Network::trace(t, value<Network::in_channels>{t.add_tensor(Network::in_channels, ratio{})});
    const extent out = extents_of(t, input).back();
    return plan_inference(t, input, 1, {{0, out.height}, {0, out.width}}, band ? band : out.height).bytes;
}

} // namespace fovea
