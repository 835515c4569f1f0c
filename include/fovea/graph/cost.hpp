// Every constant of the cost model: what an operation, a number in memory and a call are taken to cost when a
// convolution method or a schedule is chosen.
//
// Unless a constant says otherwise its unit is the work unit: the time of one float32 multiply-add in the direct 3x3
// convolution of the machine's best instruction set, 1 / 59e9 s on one thread of the Zen 4 server of
// docs/benchmarks.md. Only ratios matter, so that one set of constants serves all machines. The constants choose among
// ways that give the same values, or values that differ by rounding; they may be wrong by a few percent without harm.
// The program benchmarks/cost/refit prints each beside what the machine that it runs on measures.
#pragma once
#include <cstddef>

namespace fovea::cost {

// ---- Operations, for one pixel of the output

// An activation, for each value. An estimate of about eight vector instructions of SiLU; it was not fitted to times.
inline constexpr double activation = 8;
// Normalisations, for each value: the multiply-adds of both passes (mean, variance; scale, offset). Counted, not
// fitted.
inline constexpr double layer_norm = 4, batch_norm = 2;

// Magnification by a separable filter of 2 radius taps along each axis, for each value. An estimate between one axis
// and both, because the vertical sums are shared by the output columns of a source column; it was not fitted.
constexpr double magnified_value(int radius) { return 1.0 + 4 * radius; }

// VapSR's attention block behind its first convolution: the multiply-adds of the pointwise convolution, of two
// depthwise filters of 5x5 taps and of the projection back. Counted.
constexpr double attention_branch(int features, int hidden) {
    return double(features * hidden) + hidden * (hidden + 2 * 25.0);
}
// The same with the first convolution, of kernel x kernel taps.
constexpr double attention_block(int features, int hidden, int kernel) {
    return double(features * hidden) * (kernel * kernel) + attention_branch(features, hidden);
}
// The share of such a block's work that the halo of a call repeats: all but the projection back and the normalisation,
// less what the strips of a call hand to each other. Chosen with the constants of memory below; its own measurement was
// not kept.
inline constexpr double repeated_share = 0.7;

// ---- Ways to compute a convolution, as shares of the direct sum's work

// Winograd's tiles need 1/4 (4x4 outputs) and 16/81 (6x6) of the products; the transforms are the rest. "Operations" in
// docs/benchmarks.md, 3x3 with 64 to 128 channels: 93 / 285 = 0.33 and 93 / 326 = 0.29 on Zen 4, 87 / 256 = 0.34 (4x4)
// on the Intel server that the first constant was fitted on together with fewer channels, 89 / 237 = 0.38.
inline constexpr double winograd_4 = 0.4, winograd_6 = 0.33;
// 8 bits, with VNNI: four products in the place of one, and quantising. "8 bits" in docs/benchmarks.md against the
// direct sums of "Operations": 96 / 284 = 0.34 with 48 channels, 93 / 312 = 0.30 with 64 to 128, 0.29 with 128.
inline constexpr double int8 = 0.3;
// Half precision: two products in the place of one, and adding the short sums up. "Half precision" in
// docs/benchmarks.md gives 1.19 of the FMA peak for 3x3 with 64 channels, of which the direct sum in float32 had 0.87
// on the Intel server: 0.73. 1x1 convolutions gain nothing. The constant was set before that was measured.
inline constexpr double half = 0.6;

// ---- Numbers of channels from which on a way pays; measured with bench_ops, whose times were not kept

// Winograd beside the direct sum, whatever the outputs: the transforms of fewer inputs leave lanes empty.
inline constexpr int winograd_least_inputs = 16;
// 8 bits and half precision: fewer inputs leave little to sum for each number that is converted.
inline constexpr int grouped_least_inputs = 16;
// Winograd's tiles of 6x6 beside 4x4. There they were 2 to 14 % faster ("Operations" in docs/benchmarks.md). Beyond so
// many filters their 64 planes of weights no longer fit where the 36 of 4x4 do.
inline constexpr int large_tile_least_outputs = 48, large_tile_least_inputs = 64, large_tile_most_filters = 1 << 15;

// ---- Memory and calls; fitted together to times of SuperCool's schedules on one x86 server, which were not kept

// A float32 number that is read or written in memory, and one that stays in the caches.
inline constexpr double far_number = 14, near_number = 3;
// A call of an operation on all threads: they meet at its end.
inline constexpr double call = 3e5;
// Bytes of a tensor's rows in a band, or of the arena, up to which its numbers stay in the caches.
inline constexpr double near_bytes = 12 << 20;
// Weights of the whole network (numbers, not bytes) up to which they stay in the caches from one band to the next.
inline constexpr double cached_weights = 4 << 20;

// ---- Schedules

// Schedules whose estimates lie within this factor of the least count as equally fast, and the one that needs the
// fewest bytes is taken: estimates are no more exact than this. A choice, which refit checks against times.
inline constexpr double equally_fast = 1.015;

// ---- Weight gradients, as partial sums over pieces of the pixels. These constants decide which numbers are added up
// first, so that a change changes the last bits of training.

inline constexpr int piece_pixels = 4096;                        // fewer, and a piece's weights outweigh its pixels
inline constexpr std::size_t partial_sums_bytes = 32 << 20;      // of all pieces together
inline constexpr int most_pieces = 32, chunked_below_pieces = 4; // with fewer pieces large weights are cut by outputs
inline constexpr int chunk_outputs = 64;                         // output channels of such a part

} // namespace fovea::cost
