// Frames in a caller's memory: the same bits as other ways to run an image, and no allocation.
#include "fovea/engine/frames.hpp"

#include <cstring>

#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/backend/reference/reference.hpp"
#include "fovea/model/model.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/vapsr.hpp"
#include "support/allocated.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/random_weights.hpp"

using namespace fovea;
using fovea_test::error_of;

namespace {

using small_supercool = zoo::supercool<2, 8, 2, 2>;
using small_vapsr = zoo::vapsr_network<2, 32, 64, 1>;
using wide_supercool = zoo::supercool<2, 64, 1, 1>; // Winograd's convolutions, on a CPU that has kernels for them

constexpr extent size{13, 18};

image noise(int channels) {
    image x(size.height, size.width, channels);
    random_stream random(5);
    for (int y = 0; y < x.height(); ++y)
        for (auto& v : x.row<std::uint8_t>(y)) v = std::uint8_t(random());
    return x;
}
template <class Image> auto pixels_of(Image& x) {
    return tensor_view(x.template row<std::uint8_t>(0).data(), 1, x.height(), x.width(), x.channels());
}

// Calls of operator new while f() runs.
template <class F> std::size_t allocations_of(F f) {
    const std::size_t before = fovea_test::allocated.calls.load();
    f();
    return fovea_test::allocated.calls.load() - before;
}

template <class Network, class Backend> void check_frames(int threads, schedule how, precision_kind precision) {
    INFO(threads << " threads, tiles " << how.tile_width << ", bands " << how.band << ", " << name_of(precision));
    context pool({.threads = threads});
    model<Network, Backend> net(fovea_test::random_weights<Network>(), {.threads = &pool, .precision = precision});
    const image small = noise(3);
    const tensor<float> x = fovea_test::random_tensor(1, size.height, size.width, 3);
    frame_upscaler frames = net.frames(size, how);
    image large(frames.output().height, frames.output().width, 3);
    tensor<float> y(1, large.height(), large.width(), 3);
    std::vector<std::byte> arena(frames.arena_bytes());
    CHECK(allocations_of([&] {
              for (int i = 0; i < 6; ++i) {
                  std::ranges::fill(arena, std::byte(i)); // nothing is kept in it
                  frames.run(pixels_of(small), pixels_of(large), arena);
                  frames.run(x.view(), y.view(), arena);
              }
          }) == 0);
    CHECK(large == net(small));
    CHECK(fovea_test::same_bits(y, net(x.view())));
}

template <class Network, class Backend> void check_frames(precision_kind precision = precision_kind::float32) {
    for (int threads : {1, 3})
        for (schedule how : {schedule{}, schedule{0, 0, 5}, schedule{8, 8, 0}, schedule{0, 13, 2}})
            check_frames<Network, Backend>(threads, how, precision);
}

} // namespace

TEST_CASE("operator new is counted") {
    CHECK(allocations_of([] { std::vector<int> some(10); }) == 1);
    CHECK(allocations_of([] { storage some(10); }) == 1);
    CHECK(allocations_of([] {}) == 0);
}

TEST_CASE("frames allocate nothing and are what other calls give: reference") {
    check_frames<small_supercool, reference>();
#if !FOVEA_SANITIZED // the CPU's kernels have it below
    check_frames<small_vapsr, reference>();
#endif
}

TEST_CASE("frames allocate nothing and are what other calls give: cpu") {
    check_frames<small_supercool, cpu>();
    check_frames<small_vapsr, cpu>();
    check_frames<wide_supercool, cpu>();
    check_frames<wide_supercool, cpu>(precision_kind::float16);
}

TEST_CASE("frames in gray, and with alpha, which stays as it is; rows may lie apart") {
    model<small_supercool, cpu> net(fovea_test::random_weights<small_supercool>());
    frame_upscaler frames = net.frames(size);
    std::vector<std::byte> arena(frames.arena_bytes());
    const image gray = noise(1), with_alpha = noise(4);
    image large_gray(2 * size.height, 2 * size.width, 1), rows_apart(2 * size.height, 3 * size.width, 4);
    frames.run(pixels_of(gray), pixels_of(large_gray), arena);
    CHECK(large_gray == net(gray));

    for (int y = 0; y < rows_apart.height(); ++y) std::ranges::fill(rows_apart.row<std::uint8_t>(y), std::uint8_t(77));
    const tensor_view<std::uint8_t> part(rows_apart.row<std::uint8_t>(0).data(), 1, 2 * size.height, 2 * size.width, 4,
                                         4 * 3 * size.width, 0);
    frames.run(pixels_of(with_alpha), part, arena);
    const image expected = net(with_channels(with_alpha, 3));
    bool same = true, alpha_stays = true;
    for (int y = 0; y < rows_apart.height(); ++y)
        for (int x = 0; x < rows_apart.width(); ++x) {
            const auto* made = rows_apart.row<std::uint8_t>(y).data() + 4 * x;
            alpha_stays &= made[3] == 77;
            for (int c = 0; c < 3; ++c)
                same &= made[c] == (x < expected.width() ? expected.row<std::uint8_t>(y)[std::size_t(3 * x + c)] : 77);
        }
    CHECK(same);
    CHECK(alpha_stays);
}

TEST_CASE("frames that do not fit are refused with what was expected") {
    model<small_supercool, cpu> net(fovea_test::random_weights<small_supercool>());
    frame_upscaler frames = net.frames(size);
    const image small = noise(3), gray = noise(1);
    image large(2 * size.height, 2 * size.width, 3);
    std::vector<std::byte> arena(frames.arena_bytes()), too_few(frames.arena_bytes() - 64);
    CHECK_THAT(error_of([&] { frames.run(pixels_of(small), pixels_of(large), too_few); }),
               Catch::Contains("frames of 18x13: an arena of " + std::to_string(too_few.size())) &&
                   Catch::Contains("expected " + std::to_string(arena.size())));
    CHECK_THAT(error_of([&] { frames.run(pixels_of(large), pixels_of(large), arena); }),
               Catch::Contains("the input is (1,26,36,3): expected (1,13,18,3)"));
    CHECK_THAT(error_of([&] { frames.run(pixels_of(gray), pixels_of(large), arena); }),
               Catch::Contains("the output is (1,26,36,3): expected (1,26,36,1)"));
    CHECK_THAT(error_of([&] { net.frames(size, 100); }), Catch::Contains("memory budget"));
    CHECK_THAT(error_of([&] { net.frames({0, 5}, schedule{}); }), Catch::Contains("at least 1x1"));
    frames.run(pixels_of(small), pixels_of(large), arena);
    CHECK(large == net(small));
}

TEST_CASE("frames go on where the model is moved") {
    model<small_supercool, cpu> net(fovea_test::random_weights<small_supercool>());
    frame_upscaler frames = net.frames(size);
    const image small = noise(3), expected = net(small);
    const upscaler moved = std::move(net);
    std::vector<std::byte> arena(frames.arena_bytes());
    image large(2 * size.height, 2 * size.width, 3);
    frames.run(pixels_of(small), pixels_of(large), arena);
    CHECK(large == expected);
}
