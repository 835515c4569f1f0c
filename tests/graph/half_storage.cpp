#include "fovea/graph/lower.hpp"

#include "fovea/backend/reference/reference.hpp"
#include "fovea/engine/execute.hpp"
#include "fovea/zoo/critic.hpp"
#include "fovea/zoo/realesr.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/vapsr.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"

using namespace fovea;
using fovea_test::error_of;

namespace {

template <class Network, class Backend = reference> graph traced() {
    tracer<inference, Backend> t;
    Network::trace(t, value<Network::in_channels>{t.add_tensor(Network::in_channels, ratio{})});
    return graph(std::move(t));
}
template <class Network> graph stored(precision_kind precision = precision_kind::bfloat16) {
    graph g = traced<Network>();
    lower_for_training(g, precision);
    return g;
}

template <class Network> double share_of_bytes(extent input, int band) {
    const graph wide = traced<Network>(), narrow = stored<Network>();
    const extent out = extents_of(wide, input).back();
    const rectangle all{{0, out.height}, {0, out.width}};
    const auto bytes = [&](const graph& g) { return double(plan_inference(g, input, 1, all, band).bytes); };
    return bytes(narrow) / bytes(wide);
}

} // namespace

TEST_CASE("the image, what the tail reads and what is read whole stay float32, all else is in 16 bits") {
    const auto formats = [](const graph& g) {
        std::string text; // by tensor: w(ide), h(alf)
        for (auto& t : g.tensors) text += t.format == number_format::float32 ? 'w' : 'h';
        return text;
    };
    CHECK(formats(stored<zoo::realesr_compact<64, 1, 4>>()) == "whhhhwww"); // tail: shuffle, magnify and add
    CHECK(formats(stored<zoo::supercool<2, 8, 1, 2>>()) == "whhhhhwwww");   // and clamp
    CHECK(formats(stored<sequential<conv<3, 8, 3>, conv<8, 3, 3>>>()) == "whw");
    CHECK(
        formats(stored<sequential<conv<3, 8, 3>, conv<8, 8, 3>, global_average_pool, linear<8, 4>, linear<4, 1>>>()) ==
        "whwhhw");
    const graph half = stored<zoo::supercool<2, 8, 1, 2>>(precision_kind::float16);
    CHECK(half.tensors[1].format == number_format::float16);
}

TEST_CASE("a plan in 16 bits takes about half the bytes") {
    // Of SuperCool the image and the last convolution's 12 channels stay wide, of 12 + 64 + 128 + 64 at most.
    for (int band : {1080 * 2, 64}) {
        INFO("bands of " << band);
        CHECK(share_of_bytes<zoo::supercool<2, 64, 2, 3>>({1080, 1920}, band) < 0.55);
        CHECK(share_of_bytes<zoo::vapsr_network<2, 48, 64, 3>>({1080, 1920}, band) < 0.55);
        CHECK(share_of_bytes<zoo::supercool<2, 64, 2, 3>>({1080, 1920}, band) > 0.45);
    }
}

TEST_CASE("a budget that is too small in float32 may do in 16 bits") {
    using net = zoo::vapsr_network<2, 48, 64, 3>;
    const graph wide = traced<net>(), narrow = stored<net>();
    const auto whole = [](const graph& g) { return cost_of(g, {300, 400}, 1, {}); };
    CHECK(whole(narrow).bytes < whole(wide).bytes);
    for (std::size_t megabytes : {40u, 10u, 6u}) {
        const schedule how = choose_schedule(narrow, {300, 400}, 1, megabytes << 20);
        CHECK(cost_of(narrow, {300, 400}, 1, how).bytes <= megabytes << 20);
    }
}

TEST_CASE("networks and backends that cannot store in 16 bits are refused") {
    CHECK_THAT(error_of([] { stored<sequential<conv<3, 12, 3>, pixel_shuffle<2>>>(); }),
               Catch::Contains("precision bf16: this network keeps no tensor"));
    CHECK_THAT(error_of([] {
                   auto g = traced<conv<3, 3, 3>, shapes_only>();
                   lower_for_training(g, precision_kind::float16);
               }),
               Catch::Contains("precision fp16: this backend"));
}

namespace {

std::vector<int> widened; // counts of numbers, by call
void count_widening(number_format f, const std::uint16_t* from, float* to, std::ptrdiff_t count) {
    widened.push_back(int(count));
    widen(reference{}, f, from, to, count);
}
void run_narrowing(number_format f, const float* from, std::uint16_t* to, std::ptrdiff_t count) {
    narrow(reference{}, f, from, to, count);
}

struct seen_run {
    range rows, cols;
};
std::vector<seen_run> runs;
constexpr int tile = 6;
constexpr range tile_rows(int y) { return {y / tile * tile - 1, y / tile * tile + tile + 1}; }
void sum_of_tile(const call& c) { // of one channel, the rows that a tile reads, and the skip
    runs.push_back({c.rows, c.cols});
    REQUIRE_FALSE((c.x[0].in_16_bits() || c.x[1].in_16_bits() || c.y.in_16_bits()));
    each_pixel(c, [&](int n, int y, int x) {
        float sum = *c.x[1].at<float>(n, y, x);
        for (int i = tile_rows(y).begin; i < tile_rows(y).end; ++i) sum += *c.x[0].read<float>(n, i, x);
        *c.y.at<float>(n, y, x) = sum;
    });
}

} // namespace

TEST_CASE("runs end with whole tiles, and a strip widens each row once") {
    constexpr int height = 25, width = 20000, images = 2;
    std::vector<std::uint16_t> x(images * height * width), skip = x, y = x;
    std::vector<float> zeros(width, 0.f);
    for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = bfloat16_from_float(float(i % 97)), skip[i] = bfloat16_from_float(float(i % 5));
    const auto over = [&](std::vector<std::uint16_t>& numbers) {
        return window{.data = reinterpret_cast<std::byte*>(numbers.data()),
                      .zeros = reinterpret_cast<const std::byte*>(zeros.data()),
                      .height = height,
                      .width = width,
                      .channels = 1,
                      .columns = width,
                      .stored = height,
                      .row_stride = width,
                      .image_stride = height * width,
                      .format = number_format::bfloat16};
    };
    graph g;
    g.backend = {.converts_16_bits = true, .widen = count_widening, .narrow = run_narrowing};
    const op_kernels kernels{.forward = sum_of_tile};
    const operation o{.kernels = &kernels, .reads = {.radius = 1, .grain = tile}};
    for (range rows : {range{0, height}, {2, 8}, {3, height - 1}}) {
        INFO("rows " << rows.begin << " to " << rows.end);
        std::fill(y.begin(), y.end(), std::uint16_t{0});
        call c;
        c.images = {0, images}, c.rows = rows, c.cols = {7, width - 7};
        c.x = {over(x), over(skip)}, c.y = over(y);
        REQUIRE(float_runs::needed(o, c));
        std::vector<std::byte> scratch(float_runs(g, o, c).scratch());
        c.scratch = scratch.data();
        widened.clear(), runs.clear();
        float_runs(g, o, c).run();

        int strips = 0, wide_rows = 0, uneven = 0;
        for (auto& r : runs) {
            strips += r.rows.begin == rows.begin;
            for (auto [part, all] : {std::pair{r.rows, rows}, {r.cols, c.cols}})
                uneven += (part.begin % tile && part.begin != all.begin) || (part.end % tile && part.end != all.end);
        }
        for (int numbers : widened) wide_rows += numbers > 0;
        CHECK(uneven == 0);
        CHECK(strips >= 2 * images);
        CHECK(int(runs.size()) > strips);
        const range read = o.reads(rows, height).clip(height);
        CHECK(wide_rows == strips * (read.size() + rows.size())); // of x and of the skip
        int wrong = 0;
        for (int n = 0; n < images; ++n)
            for (int i = 0; i < height; ++i)
                for (int j = 0; j < width; ++j) {
                    const auto at = [&](const std::vector<std::uint16_t>& t, int row) {
                        return float_from_bfloat16(t[std::size_t((n * height + row) * width + j)]);
                    };
                    const bool computed = i >= rows.begin && i < rows.end && j >= c.cols.begin && j < c.cols.end;
                    float sum = computed ? at(skip, i) : 0.f;
                    const range tile_inside = computed ? tile_rows(i).clip(height) : range{};
                    for (int row = tile_inside.begin; row < tile_inside.end; ++row) sum += at(x, row);
                    wrong += at(y, i) != float_from_bfloat16(bfloat16_from_float(sum));
                }
        CHECK(wrong == 0);
    }
}
