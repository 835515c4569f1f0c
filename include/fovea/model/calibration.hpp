// Ranges of activations for computing in 8 bits, found by running a network in float32 over some images.
//
//   calibrator seen(network);
//   for (auto& photo : photos) seen.add(photo);
//   model<net, cpu> quick(weights, {.precision = precision_kind::int8, .ranges = &ranges});   // ranges = seen.ranges()
//
// A histogram of the values in every fourth row is kept for each tensor. The range is the one with the least expected
// squared error of quantisation, where a clipped value counts with its distance to the range; rare outliers would
// coarsen the steps of all other values. Histograms are counts, so that the ranges depend neither on the order of the
// images nor on the schedule or the threads.
#pragma once
#include <bit>
#include <cstdint>

#include "fovea/model/upscaler.hpp"

namespace fovea {

namespace detail {

// Counts values by their sign, exponent and five bits of mantissa, which tells them apart to 3 %, whatever their size.
class value_histogram {
    static constexpr int dropped = 18; // bits of a float that are not looked at
    static constexpr std::size_t bins = std::size_t(1) << (32 - dropped);
    // Neighbouring values are often alike. With two sets of counters one increment need not wait for the last one.
    std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(bins, 0), others_ = counts_;

    static float value(std::size_t bin, std::uint32_t within) {
        return std::bit_cast<float>(std::uint32_t(bin) << dropped | within);
    }
    static double centre(std::size_t bin) { return double(value(bin, 1u << (dropped - 1))); }
    std::uint64_t count(std::size_t bin) const { return counts_[bin] + others_[bin]; }

    // Returns the largest magnitude of a sign.
    double end(std::size_t first) const {
        for (std::size_t i = bins / 2 - (1u << (23 - dropped)); i-- > 0;)
            if (count(first + i)) return double(value(first + i, (1u << dropped) - 1));
        return 0;
    }

    // The least squared error of values beyond r.low (or r.high, Sign 1), and how many are not beyond.
    struct tail {
        double limit, error;
        std::uint64_t beyond;
    };
    std::vector<tail> tails(double end) const { // limits from `end` towards zero
        constexpr int steps = 64, fewest = 4;
        std::vector<tail> all;
        for (int k = fewest; k <= steps; ++k) all.push_back({end * k / steps, 0, 0});
        for (std::size_t i = 0; i < bins; ++i)
            if (count(i) && centre(i) * end > 0)
                for (tail& t : all)
                    if (const double d = std::abs(centre(i)) - std::abs(t.limit); d > 0)
                        t.error += double(count(i)) * d * d, t.beyond += count(i);
        return all;
    }

  public:
    void add(const float* x, std::ptrdiff_t count) {
        for (std::ptrdiff_t i = 0; i < count; i += 2) {
            ++counts_[std::bit_cast<std::uint32_t>(x[i]) >> dropped];
            if (i + 1 < count) ++others_[std::bit_cast<std::uint32_t>(x[i + 1]) >> dropped];
        }
    }

    activation_range range() const {
        std::uint64_t all = 0;
        for (std::size_t i = 0; i < bins; ++i) all += count(i);
        activation_range best{};
        double least = std::numeric_limits<double>::infinity();
        const auto lows = tails(end(bins / 2)), highs = tails(end(0));
        for (const tail& low : lows)
            for (const tail& high : highs) {
                const double step = (high.limit - low.limit) / 255;
                const double error = low.error + high.error + double(all - low.beyond - high.beyond) * step * step / 12;
                if (error < least) least = error, best = {float(low.limit), float(high.limit)};
            }
        return best;
    }
};

} // namespace detail

class calibrator {
  public:
    // The network must compute in float32 and outlive the calibrator.
    explicit calibrator(upscaler& network) : network_(network), operations_(int8_convolutions(network.traced())) {
        if (network.precision() != precision_kind::float32)
            fail("a network in reduced precision cannot be calibrated: expected it in float32");
        if (operations_.empty()) fail("precision int8: no convolution of this network can be computed in 8 bits");
        for (std::size_t i : operations_) seen_.try_emplace(network.traced().operations[i].x[0]);
    }

    // Counts the values of one image. Throws if the network's output is not finite.
    void add(const image& in, run_options o = {}) {
        o.how = in_bands(in, o.memory_budget);
        o.observe = [&](const operation& op, const call& done) {
            const auto found = seen_.find(op.y);
            if (found == seen_.end()) return;
            each_row(done, [&](int n, int y) {
                if (y % 4 == 0)
                    found->second.add(done.y.at<float>(n, y, done.cols.begin),
                                      std::ptrdiff_t(done.cols.size()) * done.y.channels);
            });
        };
        network_(in, o);
        ++images_;
    }

    int images() const { return images_; } // number of images that were seen

    // The ranges found so far, one for each convolution that can be computed in 8 bits. Throws if no image was seen.
    activation_ranges ranges() const {
        if (images_ == 0) fail("no image was seen: a calibration needs one at least");
        activation_ranges all;
        all.source = "this calibration";
        all.weights = network_.weights_digest();
        std::map<int, activation_range> by_tensor;
        for (auto& [tensor, values] : seen_) by_tensor[tensor] = values.range();
        const graph& g = network_.traced();
        for (std::size_t i : operations_) all.inputs[layer_name(g, g.operations[i])] = by_tensor[g.operations[i].x[0]];
        return all;
    }

  private:
    // Bands of rows, because in them no value is computed, and counted, twice.
    schedule in_bands(const image& in, std::size_t budget) const {
        schedule s{};
        for (int band : {0, 128, 32, 8, 1}) {
            s = {0, 0, band};
            if (cost_of(network_.traced(), {in.height(), in.width()}, 1, s).bytes <= budget) break;
        }
        return s;
    }

    upscaler& network_;
    std::vector<std::size_t> operations_;
    std::map<int, detail::value_histogram> seen_; // for each tensor
    int images_ = 0;
};

} // namespace fovea
