// Whether a network gives the same bits whole, in tiles, bands and strips, on one thread and on two.
#pragma once
#include <span>

#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/model/model.hpp"
#include "support/catch.hpp"
#include "support/random_weights.hpp"

namespace fovea_test {

using schedule_list = std::span<const fovea::schedule>;

// Pixels from which narrow tiles and strips, which compute their halo over and over, take too long.
#if FOVEA_SANITIZED
inline constexpr fovea::schedule schedules[] = {{0, 0, 4}, {7, 7, 0}, {0, 9, 3}, {5, 11, 2}}; // each kind once
inline constexpr int slow_from = 3000;
#else
inline constexpr fovea::schedule schedules[] = {{0, 0, 1},   {0, 0, 4}, {0, 0, 16},  {7, 7, 0}, {16, 16, 0},
                                                {40, 24, 0}, {0, 9, 3}, {0, 33, 16}, {5, 11, 2}};
inline constexpr int slow_from = 100000;
#endif
// Bands, tiles and strips that are larger than their halo, for images of a thousand columns.
inline constexpr fovea::schedule large_parts[] = {{0, 0, 16}, {64, 130, 0}, {0, 100, 16}};

template <class Network, class Backend>
void check_exactness_with(std::initializer_list<fovea::extent> sizes, fovea::model_options o,
                          schedule_list all = schedules) {
    using namespace fovea;
    context two({.threads = 2});
    const auto weights = random_weights<Network>(o.depth);
    model<Network, Backend> one_thread(weights, o);
    o.threads = &two;
    model<Network, Backend> two_threads(weights, o);
    for (extent size : sizes) {
        const auto x = random_tensor(1, size.height, size.width, 3);
        const auto whole = one_thread(x.view(), {.how = schedule{}});
        INFO(size.width << "x" << size.height);
        REQUIRE(distance(whole, whole) == 0); // finite
        CHECK(same_bits(whole, two_threads(x.view(), {.how = schedule{}})));
        for (const schedule& how : all) {
            if (size.height * size.width > slow_from && how.tile_width > 0 && how.tile_width < 24)
                continue; // small images have these
            INFO("tiles " << how.tile_height << "x" << how.tile_width << ", bands " << how.band);
#if !FOVEA_SANITIZED // there is nothing that two threads do not do
            CHECK(same_bits(whole, one_thread(x.view(), {.how = how})));
#endif
            CHECK(same_bits(whole, two_threads(x.view(), {.how = how})));
        }
    }
}

template <class Network, class Backend>
void check_exactness(std::initializer_list<fovea::extent> sizes, const fovea::depths& d = {},
                     fovea::convolution_method method = fovea::convolution_method::automatic) {
    check_exactness_with<Network, Backend>(sizes, {.depth = d, .convolution = method});
}

} // namespace fovea_test
