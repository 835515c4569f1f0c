// 16 bits to float32 and back on every instruction set: the bits of core/half.hpp, whatever the count.
#include "fovea/core/random.hpp"
#include "support/kernel_case.hpp"

using namespace fovea_test;
using fovea::number_format;

namespace {

// Every number of the format; what lies half-way to the next, a bit below and a bit above; and any floats.
std::vector<float> samples(number_format format) {
    std::vector<float> all;
    for (unsigned bits = 0; bits < 65536; ++bits) {
        const float value = fovea::float_from_16_bits(format, std::uint16_t(bits));
        const auto low = std::bit_cast<std::uint32_t>(value);
        const unsigned kept = format == number_format::float16 ? 13 : 16; // of a normal half
        for (std::uint32_t above : {0u, (1u << (kept - 1)) - 1, 1u << (kept - 1), (1u << (kept - 1)) + 1})
            all.push_back(std::bit_cast<float>(low + above));
        if (format == number_format::float16 && (bits & 0x7fff) < 0x400) // subnormal halves lie 2^-24 apart
            for (float to : {0.f, 1e9f}) {
                const float middle = value + std::copysign(0x1p-25f, value);
                all.insert(all.end(), {middle, std::nextafter(middle, to), std::nextafter(middle, -to)});
            }
    }
    fovea::random_stream random(5);
    for (int i = 0; i < 1000000; ++i) all.push_back(std::bit_cast<float>(std::uint32_t(random())));
    const float inf = std::numeric_limits<float>::infinity();
    all.insert(all.end(), {inf, -inf, 0.f, -0.f, 1e-45f, -1e-45f, 65504.f, 65519.996f, 65520.f, 1e30f});
    for (std::uint32_t nan : {0x7f800001u, 0x7f80ffffu, 0x7fffffffu, 0xff800001u, 0xffffffffu, 0x7fc00000u})
        all.push_back(std::bit_cast<float>(nan));
    return all;
}

constexpr number_format formats[] = {number_format::bfloat16, number_format::float16};

} // namespace

TEST_CASE("every number of 16 bits becomes the float that it stands for") {
    std::vector<std::uint16_t> all(65536);
    for (unsigned bits = 0; bits < 65536; ++bits) all[bits] = std::uint16_t(bits);
    for (const auto* kernels : all_kernels())
        for (number_format format : formats) {
            INFO(kernels->name << ", format " << int(format));
            std::vector<float> widened(all.size());
            kernels->widen(format, all.data(), widened.data(), std::ptrdiff_t(all.size()));
            std::size_t wrong = 0;
            for (std::size_t i = 0; i < all.size(); ++i)
                wrong += std::bit_cast<std::uint32_t>(widened[i]) !=
                         std::bit_cast<std::uint32_t>(fovea::float_from_16_bits(format, all[i]));
            CHECK(wrong == 0);
        }
}

TEST_CASE("floats are rounded to the nearest number of 16 bits, ties to even") {
    for (number_format format : formats) {
        const auto all = samples(format);
        for (const auto* kernels : all_kernels()) {
            INFO(kernels->name << ", format " << int(format));
            std::vector<std::uint16_t> narrow(all.size());
            kernels->narrow(format, all.data(), narrow.data(), std::ptrdiff_t(all.size()));
            std::size_t wrong = 0;
            for (std::size_t i = 0; i < all.size(); ++i) wrong += narrow[i] != fovea::float_to_16_bits(format, all[i]);
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("any count is converted, from any place, and nothing beyond it is touched") {
    const auto values = random_floats(100, 9, -3, 3);
    for (const auto* kernels : all_kernels())
        for (number_format format : formats)
            for (std::size_t count = 0; count < 50; ++count)
                for (std::size_t from : {0u, 1u, 7u}) {
                    std::vector<std::uint16_t> bits(100, 0x5555);
                    std::vector<float> back(100, -7);
                    kernels->narrow(format, values.data() + from, bits.data() + from, std::ptrdiff_t(count));
                    kernels->widen(format, bits.data() + from, back.data() + from, std::ptrdiff_t(count));
                    bool right = true;
                    for (std::size_t i = 0; i < 100; ++i) {
                        const bool inside = i >= from && i < from + count;
                        const auto expected = inside ? fovea::float_to_16_bits(format, values[i]) : 0x5555;
                        right &= bits[i] == expected &&
                                 same(back[i], inside ? fovea::float_from_16_bits(format, bits[i]) : -7.f);
                    }
                    INFO(kernels->name << ", format " << int(format) << ", " << count << " from " << from);
                    CHECK(right);
                }
}
