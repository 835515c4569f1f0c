#include "fovea/core/random.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <vector>

#include "support/catch.hpp"

using namespace fovea;

// Known answers published with the generator (Random123's kat_vectors, philox4x32 with 10 rounds).
static_assert(philox({0, 0, 0, 0}, {0, 0}) == philox_block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
              philox_block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              philox_block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

TEST_CASE("a stream resumes at any position, and streams differ") {
    random_stream whole(42, 7);
    std::vector<std::uint32_t> drawn(100);
    for (auto& v : drawn) v = whole();
    for (std::uint64_t from : {0u, 1u, 5u, 37u, 98u}) CHECK(random_stream(42, 7, from)() == drawn[from]);
    CHECK(random_stream(42, 8)() != drawn[0]);
    CHECK(random_stream(43, 7)() != drawn[0]);
    CHECK(whole.position() == 100);
}

TEST_CASE("uniform, integer and normal numbers have the moments that they should") {
    random_stream random(1);
    const int n = 100000;
    double uniform = 0, normal = 0, square = 0;
    std::vector<int> counts(7);
    for (int i = 0; i < n; ++i) {
        const float u = random.uniform();
        REQUIRE((u >= 0 && u < 1));
        const float z = random.normal();
        uniform += u, normal += z, square += double(z) * z;
        ++counts[std::size_t(random.below(7))];
    }
    // five standard deviations: sqrt(1/12/n), sqrt(1/n), sqrt(2/n), sqrt(n 1/7 6/7)
    CHECK(uniform / n == Approx(0.5).margin(0.005));
    CHECK(normal / n == Approx(0).margin(0.016));
    CHECK(square / n == Approx(1).margin(0.023));
    for (int c : counts) CHECK(c == Approx(n / 7.0).margin(560));
}

TEST_CASE("numbers between two limits") {
    random_stream random(2);
    float least = 9, most = -9;
    for (int i = 0; i < 1000; ++i) {
        const float v = random.uniform(-3, 5);
        least = std::min(least, v), most = std::max(most, v);
    }
    // None of 1000 within a hundredth of an end: a chance of 0.99^1000 = 4e-5, and the seed is fixed.
    CHECK((least >= -3 && least < -2.92f));
    CHECK((most > 4.92f && most <= 5));
}

TEST_CASE("every order comes as often from shuffle") {
    random_stream random(4);
    std::map<std::vector<int>, int> orders;
    for (int i = 0; i < 24000; ++i) {
        std::vector<int> order{0, 1, 2, 3};
        shuffle(order, random);
        ++orders[order];
    }
    CHECK(orders.size() == 24);
    // 1000 each, deviation sqrt(24000 / 24 * 23 / 24) = 31; five of them are 155.
    for (const auto& [order, count] : orders) CHECK(std::abs(count - 1000) < 155);
}
