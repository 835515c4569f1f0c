// Code shared by the separable resamplers: a table with the taps of each output position, and the two passes that apply
// it along rows and along columns:
//
//   z[i] = sum_k weight[i,k] * x[index[i,k]]
//
// A resampler makes the table and chooses the arithmetic, a type with
//
//   accumulator       type of the sums and of the weights
//   start             initial value of every sum
//   finish<T>(sum)    converts a sum to a sample of type T
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fovea/image/convert.hpp"
#include "fovea/image/image.hpp"

namespace fovea::detail {

template <class Weight> struct tap_table {
    int outputs = 0, taps = 0;
    std::vector<int> index;     // (outputs,taps), positions in the input
    std::vector<Weight> weight; // (outputs,taps)

    tap_table(int outputs_, int taps_)
        : outputs(outputs_),
          taps(taps_),
          index(std::size_t(outputs_) * std::size_t(taps_)),
          weight(std::size_t(outputs_) * std::size_t(taps_)) {}
    std::size_t at(int output, int tap) const { return std::size_t(output) * std::size_t(taps) + std::size_t(tap); }
};

// Resamples one row: x (W,C), z (outputs,C).
template <class Arithmetic, std::size_t C, class T>
void resample_row(const tap_table<typename Arithmetic::accumulator>& table, const T* x, T* z) {
    using accumulator = typename Arithmetic::accumulator;
    for (int i = 0; i < table.outputs; ++i, z += C) {
        accumulator sum[C];
        std::fill_n(sum, C, Arithmetic::start);
        for (int k = 0; k < table.taps; ++k) {
            const T* pixel = x + std::size_t(table.index[table.at(i, k)]) * C;
            const accumulator weight = table.weight[table.at(i, k)];
            for (std::size_t c = 0; c < C; ++c) sum[c] += weight * accumulator(pixel[c]);
        }
        for (std::size_t c = 0; c < C; ++c) z[c] = Arithmetic::template finish<T>(sum[c]);
    }
}

// Resamples all rows: in (H,W,C), result (H,outputs,C).
template <class Arithmetic, class T>
image resample_rows(const image& in, const tap_table<typename Arithmetic::accumulator>& table) {
    constexpr decltype(&resample_row<Arithmetic, 1, T>) by_channels[] = {
        &resample_row<Arithmetic, 1, T>, &resample_row<Arithmetic, 2, T>, &resample_row<Arithmetic, 3, T>,
        &resample_row<Arithmetic, 4, T>};
    image out(in.height(), table.outputs, in.channels(), in.type());
    out.take_metadata_of(in);
    for (int y = 0; y < in.height(); ++y)
        by_channels[in.channels() - 1](table, in.row<T>(y).data(), out.row<T>(y).data());
    return out;
}

// Resamples all columns: in (H,W,C), result (outputs,W,C).
template <class Arithmetic, class T>
image resample_columns(const image& in, const tap_table<typename Arithmetic::accumulator>& table) {
    image out(table.outputs, in.width(), in.channels(), in.type());
    out.take_metadata_of(in);
    std::vector<typename Arithmetic::accumulator> sums(in.row<T>(0).size()); // (W,C)
    for (int i = 0; i < table.outputs; ++i) {
        std::ranges::fill(sums, Arithmetic::start);
        for (int k = 0; k < table.taps; ++k) {
            const auto weight = table.weight[table.at(i, k)];
            const auto row = in.row<T>(table.index[table.at(i, k)]);
            for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += weight * typename Arithmetic::accumulator(row[j]);
        }
        std::ranges::transform(sums, out.row<T>(i).begin(),
                               [](auto sum) { return Arithmetic::template finish<T>(sum); });
    }
    return out;
}

inline void check_target_size(const char* resampler, const image& in, int height, int width) {
    if (in.empty()) fail(resampler, ": the image is empty");
    if (height < 1 || width < 1)
        fail(resampler, ": ", in.width(), "x", in.height(), " to ", width, "x", height, ": expected positive sizes");
}

} // namespace fovea::detail
