// The position of a run in its data, which determines the order of pictures in an epoch and the random numbers of every
// sample. Both depend only on seed, epoch and index, neither on threads nor on where a run was resumed.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "fovea/core/random.hpp"

namespace fovea {

// The next batch; stored in checkpoints.
struct data_position {
    std::uint64_t epoch = 0, step = 0;
    bool operator==(const data_position&) const = default;
};

// Limits, so that an epoch and a sample fit into one stream number (sample_stream).
inline constexpr std::uint64_t most_epochs = INT32_MAX, most_samples_per_epoch = UINT32_MAX;

// The random numbers of sample `index` in an epoch. The index most_samples_per_epoch, which no sample has, orders the
// epoch. Data use the upper half of a seed's streams, so that initial weights from the same seed share none with them.
constexpr random_stream sample_stream(std::uint64_t seed, std::uint64_t epoch, std::uint64_t index) {
    return random_stream(seed, std::uint64_t(1) << 63 | epoch << 32 | index);
}

// The picture of each sample in an epoch: all pictures once in random order, then all again in another order, until
// there are enough.
inline std::vector<std::uint32_t> epoch_order(std::size_t pictures, std::uint64_t samples, std::uint64_t seed,
                                              std::uint64_t epoch) {
    random_stream random = sample_stream(seed, epoch, most_samples_per_epoch);
    std::vector<std::uint32_t> order, once(pictures);
    order.reserve(samples);
    while (order.size() < samples) {
        std::iota(once.begin(), once.end(), std::uint32_t(0));
        shuffle(once, random);
        const std::size_t taken = std::min<std::size_t>(pictures, samples - order.size());
        order.insert(order.end(), once.begin(), once.begin() + std::ptrdiff_t(taken));
    }
    return order;
}

} // namespace fovea
