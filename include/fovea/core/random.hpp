// Counter-based random numbers: Philox4x32-10. Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
//
// A number depends only on the seed, the stream and its position. So results do not depend on how many threads draw
// numbers, and a run can resume at any position.
#pragma once
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

namespace fovea {

// A counter or a result of Philox: four 32-bit words.
using philox_block = std::array<std::uint32_t, 4>;

// Returns four random words for a counter and a key.
constexpr philox_block philox(philox_block counter, std::array<std::uint32_t, 2> key) {
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0], b = std::uint64_t{0xCD9E8D57} * counter[2];
        counter = {std::uint32_t(b >> 32) ^ counter[1] ^ key[0], std::uint32_t(b),
                   std::uint32_t(a >> 32) ^ counter[3] ^ key[1], std::uint32_t(a)};
        key = {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
    }
    return counter;
}

// A sequence of random numbers. `seed` and `stream` choose the sequence, `position` the word at which it starts.
class random_stream {
  public:
    using result_type = std::uint32_t; // meets std::uniform_random_bit_generator

    explicit constexpr random_stream(std::uint64_t seed, std::uint64_t stream = 0, std::uint64_t position = 0)
        : seed_(seed), stream_(stream), position_(position) {}

    // A random word, and the range of it.
    static constexpr std::uint32_t min() { return 0; }
    static constexpr std::uint32_t max() { return UINT32_MAX; }
    constexpr std::uint32_t operator()() {
        const philox_block words = philox({std::uint32_t(position_ / 4), std::uint32_t(position_ / 4 >> 32),
                                           std::uint32_t(stream_), std::uint32_t(stream_ >> 32)},
                                          {std::uint32_t(seed_), std::uint32_t(seed_ >> 32)});
        return words[position_++ % 4];
    }
    constexpr float uniform() { return float((*this)() >> 8) * 0x1p-24f; } // in [0, 1)
    constexpr float uniform(float low, float high) { return low + (high - low) * uniform(); }
    constexpr int below(int n) { return int(std::uint64_t{(*this)()} * std::uint64_t(n) >> 32); } // in [0, n)
    float normal() { // mean 0, variance 1, by the Box-Muller transform
        const float radius = std::sqrt(-2 * std::log(1 - uniform())), angle = 6.28318530717958647692f * uniform();
        return radius * std::cos(angle);
    }
    constexpr std::uint64_t position() const { return position_; } // number of words drawn

  private:
    std::uint64_t seed_, stream_, position_;
};

// Puts the elements into a random order; every order is equally likely (Fisher and Yates).
template <class Range> constexpr void shuffle(Range& elements, random_stream& random) {
    for (std::size_t i = std::size(elements); i > 1; --i)
        std::swap(elements[i - 1], elements[std::size_t(random.below(int(i)))]);
}

} // namespace fovea
