#include "fovea/plan/plan.hpp"

#include "fovea/engine/execute.hpp"
#include "fovea/plan/schedule.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/vapsr.hpp"
#include "support/catch.hpp"

using namespace fovea;

namespace {
// Known before anything runs, as a constant.
using small = zoo::supercool<2, 8, 1, 2>;
static_assert(peak_bytes<small>({16, 16}) > peak_bytes<small>({16, 16}, 1));
} // namespace

TEST_CASE("blocks alive together lie apart, others share their place") {
    std::vector<arena_slot> slots{{100, 0, 0, 2}, {60, 0, 1, 3}, {100, 0, 3, 4}, {40, 0, 4, 5}};
    CHECK(pack(slots) == 160);
    for (std::size_t i = 0; i < slots.size(); ++i)
        for (std::size_t j = 0; j < i; ++j) {
            const auto &a = slots[i], &b = slots[j];
            const bool together = a.first <= b.last && b.first <= a.last;
            const bool apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
            CHECK((!together || apart));
        }
}

TEST_CASE("the arena of a plain chain holds two tensors, columns outside the image included") {
    using chain = sequential<conv<4, 4, 3>, conv<4, 4, 3>, conv<4, 4, 3>>;
    const graph g = shapes_of<chain>();
    const plan p = plan_inference(g, {10, 12}, 1, {{0, 10}, {0, 12}}, 10);
    REQUIRE(p.ends.size() == 1);
    CHECK(p.tensors[0].cols == range{-1, 13});
    CHECK(p.tensors[3].cols == range{0, 12});
    const std::size_t padded = 10 * 14 * 4 * sizeof(float), zeros = 256; // 14 * 4 floats are 224 bytes, in lines of 64
    CHECK(p.bytes == 2 * padded + zeros);
}

TEST_CASE("a halo shrinks from layer to layer") {
    using chain = sequential<conv<1, 1, 3>, conv<1, 1, 5>, pixel_shuffle<1>>;
    const graph g = shapes_of<chain>();
    const plan p = plan_inference(g, {100, 100}, 1, {{40, 50}, {0, 10}}, 10);
    CHECK(p.tensors[0].rows == range{37, 53});
    CHECK(p.tensors[1].rows == range{38, 52});
    CHECK(p.tensors[2].rows == range{40, 50});
    CHECK(p.tensors[0].cols ==
          range{-1, 13}); // zeros on the left are one column, the reader of what is inside the image
}

TEST_CASE("a stream keeps rings of rows, not images") {
    using chain = sequential<conv<1, 1, 3>, conv<1, 1, 3>, conv<1, 1, 3>>;
    const graph g = shapes_of<chain>();
    const plan p = plan_inference(g, {1000, 8}, 1, {{0, 1000}, {0, 8}}, 1);
    for (auto& t : p.tensors) CHECK(t.stored <= 3);
    CHECK(p.ends.back().back() == 1000);
}

TEST_CASE("what a stream keeps from band to band is little, and its bands share their memory") {
    using chain = sequential<conv<1, 4, 3>, conv<4, 4, 3>, conv<4, 4, 3>, conv<4, 1, 3>>;
    const graph g = shapes_of<chain>();
    const plan p = plan_inference(g, {1000, 64}, 1, {{0, 1000}, {0, 64}}, 100);
    for (std::size_t t = 0; t + 1 < p.tensors.size(); ++t) {
        CHECK(p.tensors[t].stored == 102); // and what the next layer's halo reads above and below
        CHECK(p.tensors[t].saved == 2);
    }
    const std::size_t row = 66 * 4 * sizeof(float);
    CHECK(p.bytes < 2 * 102 * row + 8 * 2 * row);
    const plan fine = plan_inference(g, {1000, 64}, 1, {{0, 1000}, {0, 64}}, 1);
    for (auto& t : fine.tensors) CHECK(t.saved == 0); // moving two of three rows would be no gain
}

TEST_CASE("the last operations without weights are the tail, of which no tensor is kept") {
    const auto tail_of = [](const graph& g) {
        const plan p = plan_inference(g, {40, 30}, 1, {{0, 40}, {0, 30}}, 40);
        for (std::size_t i = 0; i < g.operations.size(); ++i)
            CHECK((p.tensors[std::size_t(g.operations[i].y)].stored == 0) == (i >= p.tail));
        return g.operations.size() - p.tail;
    };
    CHECK(tail_of(shapes_of<zoo::supercool<4, 8, 2, 1>>()) == 3); // shuffle, magnify and add, clamp
    CHECK(tail_of(shapes_of<zoo::vapsr_network<2, 16, 16, 1>>()) == 1);
    CHECK(tail_of(shapes_of<sequential<conv<3, 12, 3>, pixel_shuffle<2>, conv<3, 3, 3>>>()) == 0);
    CHECK(tail_of(shapes_of<sequential<conv<3, 12, 3>, pixel_shuffle<2>, max_pool<3, 1>>>()) == 1); // reads neighbours
    CHECK(tail_of(shapes_of<sequential<conv<3, 3, 3>, pixel_shuffle<1>, unit_range>>()) == 2);
    CHECK(tail_of(shapes_of<sequential<conv<3, 3, 3>, global_average_pool>>()) == 0);
}

TEST_CASE("operations with a grain are given whole tiles, and bands end with them") {
    using chain = sequential<conv<1, 1, 3>, conv<1, 1, 3>>;
    graph g = shapes_of<chain>();
    g.operations[0].reads.grain = 4;
    const plan tile = plan_inference(g, {100, 50}, 1, {{42, 50}, {41, 50}}, 10);
    CHECK(tile.tensors[1].rows == range{41, 51});
    CHECK(tile.tensors[0].rows == range{39, 53});
    CHECK(tile.tensors[1].cols == range{40, 51});
    CHECK(tile.tensors[0].cols == range{39, 53}); // beyond the image too: zeros
    const plan stream = plan_inference(g, {100, 50}, 1, {{0, 100}, {0, 50}}, 8);
    for (auto& end : stream.ends) CHECK((end[1] % 4 == 0));
    CHECK(stream.ends.back()[1] == 100);
    CHECK(stream.tensors[0].stored < 24);
}

TEST_CASE("pieces for threads end with whole tiles") {
    operation o;
    o.reads.grain = 4;
    call whole;
    whole.images = {0, 1}, whole.rows = {6, 63}, whole.cols = {0, 4};
    for (int workers : {2, 3, 7}) {
        const auto cut = fovea::detail::cut::of(o, whole, workers);
        int done = 6;
        for (int i = 0; i < cut.pieces(); ++i) {
            const call part = cut.piece(whole, i);
            CHECK(part.rows.begin == done);
            CHECK((part.rows.begin % 4 == 0 || i == 0));
            done = part.rows.end;
        }
        CHECK(done == 63);
    }
}

TEST_CASE("work is cut into as many pieces as there are threads, of rows and columns where rows are few") {
    operation o;
    o.reads.grain = 4;
    call whole;
    whole.images = {0, 1}, whole.rows = {0, 40}, whole.cols = {3, 90};
    for (int workers : {2, 6, 16, 64}) {
        const auto cut = fovea::detail::cut::of(o, whole, workers);
        CHECK(cut.pieces() <= workers);
        CHECK(cut.pieces() * 4 >= workers * 3);
        std::vector<int> covered(40 * 90, 0); // every pixel by one piece
        std::size_t largest = 0;
        for (int i = 0; i < cut.pieces(); ++i) {
            const call part = cut.piece(whole, i);
            largest = std::max(largest, std::size_t(part.rows.size()) * std::size_t(part.cols.size()));
            for (int y = part.rows.begin; y < part.rows.end; ++y)
                for (int x = part.cols.begin; x < part.cols.end; ++x) ++covered[std::size_t(y * 90 + x)];
        }
        int wrong = 0;
        for (int i = 0; i < 40 * 90; ++i) wrong += covered[std::size_t(i)] != (i % 90 >= 3);
        CHECK(wrong == 0);
        CHECK(largest <= std::size_t(2 * 40 * 87 / workers));
    }
    whole.images = {0, 12}; // by images as far as that comes out even
    CHECK(fovea::detail::cut::of(o, whole, 8).images == 4);
    CHECK(fovea::detail::cut::of(o, whole, 8).pieces() == 8);
}

TEST_CASE("the schedule obeys the budget, or says what it needs") {
    const graph g = shapes_of<zoo::vapsr_x2>();
    const extent photo{1080, 1920};
    for (std::size_t megabytes : {4000u, 1000u, 512u, 300u}) {
        const schedule s = choose_schedule(g, photo, 1, megabytes << 20);
        CHECK(cost_of(g, photo, 1, s).bytes <= megabytes << 20);
    }
    try {
        choose_schedule(g, photo, 1, 1 << 20);
        FAIL("a budget of 1 MB was accepted");
    } catch (const error& e) {
        CHECK_THAT(e.what(), Catch::Contains("needs at least") && Catch::Contains("got 1 MB"));
    }
}
