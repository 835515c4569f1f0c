#include "fovea/core/half.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "support/compare.hpp"

using namespace fovea;

namespace {

// The value of a half by its definition (IEEE 754-2019, section 3.4).
double half_by_definition(unsigned bits) {
    const int sign = bits >> 15 ? -1 : 1, exponent = static_cast<int>(bits >> 10 & 31),
              mantissa = static_cast<int>(bits & 1023);
    if (exponent == 31)
        return mantissa ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
    if (exponent == 0) return sign * std::ldexp(mantissa, -24);
    return sign * std::ldexp(1024 + mantissa, exponent - 25);
}

} // namespace

TEST_CASE("every half becomes the float of its definition, and itself again") {
    int wrong = 0;
    for (unsigned bits = 0; bits < 65536; ++bits) {
        const float value = float_from_half(static_cast<std::uint16_t>(bits));
        const bool nan = std::isnan(value);
        wrong += !fovea_test::same(value, static_cast<float>(half_by_definition(bits)));
        wrong += nan ? (half_from_float(value) & 0x7E00) != 0x7E00 : half_from_float(value) != bits;
    }
    CHECK(wrong == 0);
}

TEST_CASE("floats between two halves go to the nearer, ties to even") {
    int wrong = 0;
    for (unsigned bits = 0; bits < 0x7C00; ++bits) { // the last: between 65504 and 65536, which stands for infinity
        const double low = half_by_definition(bits), high = bits == 0x7BFF ? 65536 : half_by_definition(bits + 1);
        const auto middle = static_cast<float>((low + high) / 2); // exact: halves have 11 bits, floats 24
        wrong += half_from_float(middle) != (bits & 1 ? bits + 1 : bits);
        wrong += half_from_float(std::nextafter(middle, 0.f)) != bits;
        wrong += half_from_float(std::nextafter(middle, 1e9f)) != bits + 1;
        wrong += half_from_float(-middle) != ((bits & 1 ? bits + 1 : bits) | 0x8000u);
    }
    CHECK(wrong == 0);
    CHECK(half_from_float(1e30f) == 0x7C00);
    CHECK(half_from_float(-std::numeric_limits<float>::infinity()) == 0xFC00);
    CHECK(half_from_float(std::numeric_limits<float>::denorm_min()) == 0);
    CHECK(half_from_float(-0.f) == 0x8000);
}

TEST_CASE("every bfloat16 becomes a float and itself again; between two, the nearer, ties to even") {
    int wrong = 0;
    for (unsigned bits = 0; bits < 65536; ++bits) {
        const float value = float_from_bfloat16(static_cast<std::uint16_t>(bits));
        wrong +=
            std::isnan(value) ? (bfloat16_from_float(value) & 0x7FC0) != 0x7FC0 : bfloat16_from_float(value) != bits;
        if ((bits & 0x7FFF) >= 0x7F80) continue;
        const auto middle = std::bit_cast<float>(std::uint32_t(bits) << 16 | 0x8000u);
        wrong += bfloat16_from_float(middle) != (bits & 1 ? bits + 1 : bits);
        wrong += bfloat16_from_float(std::bit_cast<float>(std::uint32_t(bits) << 16 | 0x7FFFu)) != bits;
        wrong += bfloat16_from_float(std::bit_cast<float>(std::uint32_t(bits) << 16 | 0x8001u)) != bits + 1;
    }
    CHECK(wrong == 0);
}

static_assert(half_from_float(1.f) == 0x3C00 && float_from_half(0x3C00) == 1.f);
static_assert(bfloat16_from_float(1.f) == 0x3F80 && float_from_bfloat16(0x3F80) == 1.f);
