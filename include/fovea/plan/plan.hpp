// Memory and order of work of an inference run, known before anything runs.
//
// The output rectangle is computed in bands of rows. Before each band, a walk from the output to the input tells how
// far every tensor must be computed; then each operation computes the rows that are missing. A tensor keeps a ring of
// the rows that are still to be read, and the columns that are read, with zeros where those lie outside the image. One
// band is a run of the whole image; a rectangle smaller than the image is a tile, whose halo shrinks from layer to
// layer; many bands are a stream. Nothing is computed twice within a run.
//
// The last operations are often cheap and bound by memory: pixel shuffle, adding the enlarged input, a clamp. They are
// the tail: a few rows at a time go through all of them and on to whoever takes the output, so that none of their
// results is kept.
#pragma once
#include <climits>

#include "fovea/graph/tail.hpp"
#include "fovea/graph/tracer.hpp"

namespace fovea {

// A block of memory in the arena: where it lies, and its lifetime, from the first step that uses it to the last.
struct arena_slot {
    std::size_t bytes = 0, offset = 0;
    int first = -1, last = -1;
    // Extends the lifetime to `step`.
    constexpr void use(int step) { first = first < 0 ? step : std::min(first, step), last = std::max(last, step); }
};

// Places blocks greedily: the largest first, each at the lowest offset where no block with an overlapping lifetime
// lies. Returns the size of the arena.
constexpr std::size_t pack(std::vector<arena_slot>& slots) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < slots.size(); ++i)
        if (slots[i].bytes && slots[i].first >= 0) order.push_back(i);
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return slots[a].bytes != slots[b].bytes ? slots[a].bytes > slots[b].bytes : a < b;
    });
    std::vector<std::size_t> placed; // sorted by offset
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

// The part of one tensor that is in memory.
struct kept_part {
    range cols;     // columns; those outside the image are zeros
    range rows;     // all rows that are ever computed
    int stored = 0; // rows of the ring
    std::size_t offset = 0;
    int saved = 0; // rows that are copied aside between two bands; 0: the ring itself stays in memory
    std::size_t saved_offset = 0;
};

// The plan of one output rectangle.
struct plan {
    int batch = 1;
    rectangle out;
    std::vector<extent> extents;        // for each tensor
    std::vector<kept_part> tensors;     // for each tensor
    std::vector<std::vector<int>> ends; // [band][tensor]: compute up to this row
    std::vector<std::vector<int>> keep; // [band][tensor]: rows from here to the end are read by later bands
    std::size_t tail = 0;  // index of the first operation of the tail; the number of operations where there is none
    std::size_t zeros = 0; // offset of a row of zeros, as long as the longest row in float32
    std::size_t zero_bytes = 0;
    std::size_t bytes = 0; // size of the arena
};

namespace detail {

inline constexpr std::size_t arena_alignment = 64;
constexpr std::size_t aligned(std::size_t bytes) {
    return (bytes + arena_alignment - 1) / arena_alignment * arena_alignment;
}

// Returns the range of input k that operation o reads for the range `out` of its output; extent_in: rows of that input.
constexpr range read_by(const operation& o, int k, range out, int extent_in) {
    return k == 0 ? o.reads(out, extent_in) : out;
}
// Calls f(operation, k, tensor) for every input of every operation, the last operation first.
template <class F> constexpr void each_read_backwards(const graph& g, F f) {
    for (auto o = g.operations.rbegin(); o != g.operations.rend(); ++o)
        for (int k = 0; k < max_inputs; ++k)
            if (o->x[k] >= 0) f(*o, k, std::size_t(o->x[k]));
}

// Finds the rows and columns of every tensor that the output rectangle needs. margins: columns outside the image count.
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

// Returns the row up to which every tensor must be computed for the output up to `row`.
constexpr std::vector<int> ends_for(const graph& g, const plan& p, int row) {
    std::vector<int> end(g.tensors.size(), INT_MIN / 2);
    end.back() = row;
    each_read_backwards(g, [&](const operation& o, int k, std::size_t x) {
        int& y = end[std::size_t(o.y)];
        if (y <= INT_MIN / 2) return;
        y = o.reads.grains({y - 1, y}).end; // whole tiles, or the next band would compute them again
        end[x] = std::max(end[x], read_by(o, k, {y - 1, y}, p.extents[x].height).end);
    });
    return end;
}

// Finds the bands, and how many rows each tensor keeps within a band and from one band to the next.
constexpr void cut_bands(const graph& g, plan& p, int band) {
    const std::size_t n = g.tensors.size();
    std::vector<int> done(n, 0);
    for (std::size_t i = 0; i < n; ++i) done[i] = p.tensors[i].rows.begin;
    const range rows = p.out.rows;
    for (auto& o : g.operations)
        if (o.reads.whole) band = rows.size(); // it reads its whole input at once
    // The first bands lie above the output, so that the early layers fill their rings band by band and not all at once.
    int start = rows.begin;
    if (rows.size() > band)
        while (ends_for(g, p, start).front() > p.tensors.front().rows.begin) start -= band;
    for (int row = start; row < rows.end; row += band) {
        std::vector<int> end = ends_for(g, p, std::min(row + band, rows.end)), low = done;
        for (std::size_t i = 0; i < n; ++i)
            end[i] = std::max(p.tensors[i].rows.begin, std::min(end[i], p.tensors[i].rows.end));
        std::vector<int> next = end;
        // Finds the lowest row that a reader starts from, in this band and in the next.
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

// Options of a plan.
struct plan_options {
    bool margins = true; // columns outside the image are kept as zeros
    int tail = -1;       // index of the first operation of the tail; -1: as early as possible
};

// Plans the output rectangle `out` of `batch` images of size `input`, in bands of `band` output rows.
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

    std::vector<arena_slot> slots(2 * n + 1, arena_slot{}); // rings, rows that are copied aside, zeros
    const int steps = int(g.operations.size()) + 1;         // in the last one the output is handed over
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

// Returns the window of tensor i onto the arena. It has no data if `arena` is null or the plan keeps nothing of the
// tensor.
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

// Returns the bytes of activations at once for a network on an image of that size, in bands of `band` output rows (0:
// the whole image at once).
template <class Network, class Backend = shapes_only>
constexpr std::size_t peak_bytes(extent input, int band = 0, const depths& d = {}) {
    tracer<inference, Backend> t;
    t.depth = d;
    Network::trace(t, value<Network::in_channels>{t.add_tensor(Network::in_channels, ratio{})});
    const extent out = extents_of(t, input).back();
    return plan_inference(t, input, 1, {{0, out.height}, {0, out.width}}, band ? band : out.height).bytes;
}

} // namespace fovea
