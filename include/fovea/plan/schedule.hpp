// Chooses how to run one image: as a whole, in tiles with halos, as a stream of row bands, or in column strips that are
// streamed. All ways give the same bits. They differ only in the output rectangles and in the height of a band.
#pragma once
#include <cstdint>
#include <limits>

#include "fovea/core/error.hpp"
#include "fovea/graph/cost.hpp"
#include "fovea/plan/plan.hpp"

namespace fovea {

// How an image is run. Sizes are in pixels of the network's input; 0: the whole image.
struct schedule {
    int tile_height = 0, tile_width = 0, band = 0;
    constexpr bool operator==(const schedule&) const = default;
};

// The cost of a schedule: work in multiply-adds, with halos and memory traffic, and bytes of activations at once.
struct schedule_cost {
    double work = 0;
    std::size_t bytes = 0;
};

namespace detail {

// Returns rectangle i of the output, row by row. Sizes are multiples of the scale, or the whole.
struct tiling {
    extent out;
    int height, width, band;
    tiling(const graph& g, extent input, schedule s) : out(extents_of(g, input).back()) {
        const ratio scale = g.tensors.back().scale;
        const auto scaled = [&](int n, int all) {
            return n ? std::min(std::max(n * scale.num / scale.den, 1), all) : all;
        };
        height = scaled(s.tile_height, out.height), width = scaled(s.tile_width, out.width);
        band = scaled(s.band, height);
    }
    int rows() const { return (out.height + height - 1) / height; }
    int columns() const { return (out.width + width - 1) / width; }
    int count() const { return rows() * columns(); }
    rectangle at(int i) const {
        const int y = i / columns() * height, x = i % columns() * width;
        return {range{y, y + height}.clip(out.height), range{x, x + width}.clip(out.width)};
    }
};

// Work of one plan, in the unit of graph/cost.hpp: what is computed, with the inner halo that a fused block computes
// again in every call; the numbers that operations read and write, in memory or in the caches; and for each call its
// threads that meet and its weights that come back into the caches.
inline double work_of(const graph& g, const plan& p) {
    using cost::far_number, cost::near_number, cost::near_bytes;
    const auto weights_of = [](const operation& o) {
        const double side = o.a.tile + 2, planes = o.a.method == convolution_method::winograd ? side * side / 9 : 1;
        return o.w[0] >= 0 ? planes * double(count(o.dims)) : 0;
    };
    double all_weights = 0;
    for (auto& o : g.operations) all_weights += weights_of(o);
    const double per_weight = all_weights > cost::cached_weights ? far_number : near_number;
    const auto call_cost = [&](const operation& o) { return cost::call + per_weight * weights_of(o); };
    double work = 0;
    std::vector<int> done(g.tensors.size());
    for (std::size_t i = 0; i < done.size(); ++i) done[i] = p.tensors[i].rows.begin;
    // A ring that stays has left the caches when it is written again, while what is read was just written.
    const auto traffic = [&](int x, bool written) {
        const auto& t = p.tensors[std::size_t(x)];
        const double each = double(bytes_of(g.tensors[std::size_t(x)].format));
        const double bytes = double(p.batch) * t.stored * t.cols.size() * g.tensors[std::size_t(x)].channels * each;
        const bool stays = p.ends.size() > 1 && t.saved == 0 && double(p.bytes) > near_bytes;
        const bool distant = bytes > near_bytes || (written && stays);
        const double number = (distant ? far_number : near_number) * each / sizeof(float);
        const double copied = each < sizeof(float) ? near_number : 0; // conversion to or from float32, in the caches
        return g.tensors[std::size_t(x)].channels * (number + copied);
    };
    double moved = 0; // bytes that are copied aside between two bands and back
    for (std::size_t i = 0; i < p.tensors.size(); ++i)
        moved += double(p.batch) * p.tensors[i].saved * p.tensors[i].cols.size() * g.tensors[i].channels *
                 double(bytes_of(g.tensors[i].format));
    work += 2 * far_number / sizeof(float) * moved * double(p.ends.size() - 1);
    for (auto& end : p.ends)
        for (auto& o : g.operations) {
            const std::size_t y = std::size_t(o.y);
            const range now{done[y], end[y]}, inside = p.tensors[y].cols.clip(p.extents[y].width);
            const double rows = now.size(), cols = inside.size();
            done[y] = end[y];
            if (now.empty()) continue;
            const double whole_tiles = o.reads.grains(now).size() / rows * o.reads.grains(inside).size() / cols;
            double each = traffic(o.y, true) + (o.reads.whole ? 0 : traffic(o.x[0], false));
            each += o.work * whole_tiles *
                    (1 + cost::repeated_share * ((1 + 2 * o.recomputed / rows) * (1 + 2 * o.recomputed / cols) - 1));
            work += call_cost(o) + p.batch * rows * cols * each;
        }
    return work;
}

} // namespace detail

// Estimates the cost of a schedule for `batch` images of size `input`.
inline schedule_cost cost_of(const graph& g, extent input, int batch, schedule s) {
    const detail::tiling tiles(g, input, s);
    const int middle = (tiles.rows() - 1) / 2 * tiles.columns() + (tiles.columns() - 1) / 2; // no tile is larger
    const rectangle part = tiles.at(middle);
    const plan p = plan_inference(g, input, batch, part, tiles.band);
    const double share = double(part.rows.size()) / tiles.out.height * part.cols.size() / tiles.out.width;
    return {detail::work_of(g, p) / share, p.bytes};
}

namespace detail {

// Calls consider(schedule) for every schedule that may be the best for an input of that size.
template <class F> void for_schedules(extent input, F&& consider) {
    consider(schedule{});
    constexpr int bands[] = {256, 128, 96, 64, 48, 32, 24, 16, 8, 4, 1};
    constexpr int step = 12; // whole Winograd tiles, of 4 columns and of 6
    for (int strips = 1; strips <= 32; strips += (strips + 3) / 4) {
        const int width = strips == 1 ? 0 : ((input.width + strips - 1) / strips + step - 1) / step * step;
        if (strips > 1 && width < 16) break;
        for (int band : bands)
            if (band < input.height) consider(schedule{0, width, band});
    }
    for (int tile : {1024, 512, 384, 256, 192, 128, 96, 64, 32, 16})
        if (tile < input.height || tile < input.width) consider(schedule{tile, tile, 0});
}

} // namespace detail

// Returns the least bytes of activations that any schedule for an input of that size needs.
inline std::size_t least_bytes(const graph& g, extent input, int batch) {
    std::size_t least = SIZE_MAX;
    detail::for_schedules(input, [&](schedule s) { least = std::min(least, cost_of(g, input, batch, s).bytes); });
    return least;
}

// Returns a schedule whose activations fit into `budget` bytes: of those whose work is at most a few percent above the
// least, the one that needs the fewest bytes. Throws when none fits.
inline schedule choose_schedule(const graph& g, extent input, int batch, std::size_t budget) {
    struct candidate {
        schedule how;
        schedule_cost cost;
    };
    std::vector<candidate> fitting;
    double least = std::numeric_limits<double>::infinity();
    std::size_t smallest = SIZE_MAX;
    detail::for_schedules(input, [&](schedule s) {
        const schedule_cost c = cost_of(g, input, batch, s);
        smallest = std::min(smallest, c.bytes);
        if (c.bytes > budget) return;
        fitting.push_back({s, c});
        least = std::min(least, c.work);
    });
    if (fitting.empty())
        fail("an image of ", input.width, 'x', input.height, " needs at least ", (smallest >> 20) + 1,
             " MB for activations: expected a memory budget of that or more, got ", budget >> 20, " MB");
    std::erase_if(fitting, [&](const candidate& c) { return c.cost.work > cost::equally_fast * least; });
    return std::ranges::min_element(fitting, {}, [](const candidate& c) { return c.cost.bytes; })->how;
}

} // namespace fovea
