#include "fovea/tensor/tensor.hpp"

#include <cstdint>

#include "support/catch.hpp"

using namespace fovea;

TEST_CASE("storage is aligned, grows, moves") {
    storage a(100);
    CHECK(std::uintptr_t(a.data()) % storage::alignment == 0);
    const auto* before = a.data();
    a.reserve(50);
    CHECK(a.data() == before);
    a.reserve(1000);
    CHECK(a.bytes() == 1000);
    storage b = std::move(a);
    CHECK(b.bytes() == 1000);
    CHECK(a.bytes() == 0);
}

TEST_CASE("a tensor is dense, zero at first, with neighbouring channels") {
    tensor<float> x(2, 3, 4, 5);
    CHECK(x.size() == 120);
    CHECK(std::all_of(x.data(), x.data() + x.size(), [](float v) { return v == 0; }));
    x.at(1, 2, 3)[4] = 7;
    CHECK(x.data()[119] == 7);
    CHECK(x.at(1, 0, 0) - x.at(0, 0, 0) == 60);
    CHECK_THROWS_AS(tensor<float>(1, 0, 4, 3), error);
}

TEST_CASE("a view may know its channels, and rows may lie apart") {
    float numbers[64] = {};
    const tensor_view<float, 3> rgb(numbers, 1, 2, 2, 3, 10, 64);
    CHECK(rgb.at(0, 1, 1) == numbers + 13);
    const tensor_view<const float> any = rgb;
    CHECK(any.channels() == 3);
    CHECK(any.at(0, 1, 0) == numbers + 10);
    CHECK_THROWS_AS((tensor_view<float, 3>(numbers, 1, 2, 2, 4)), error);
    static_assert(!std::is_constructible_v<tensor_view<float, 3>, tensor_view<float, 4>>);
}
