// Gradients of weights as partial sums: the rows of all images are cut into pieces, and the sums of the pieces are
// added in order.
#pragma once
#include "fovea/graph/cost.hpp"
#include "fovea/plan/plan.hpp"

namespace fovea::detail {

inline constexpr int piece_grain = 4; // the rows of a piece are a multiple of it, for Winograd's tiles

// Returns the bytes of one piece: the gradients of all weights of the operation that are trained, one after the other.
inline std::size_t partial_bytes(const graph& g, const operation& o, std::size_t element) {
    std::size_t bytes = 0;
    for (int w : o.d.w)
        if (w >= 0) bytes += aligned(count(g.weights[std::size_t(w)].dims) * element);
    return bytes;
}

// Calls f(weight, its gradient in a piece of partial sums, numbers) for every weight that is trained.
template <class Real, class F>
void each_partial(const graph& g, const std::vector<char>& trained, const operation& o, std::byte* piece, F f) {
    for (int k = 0; k < max_weights; ++k) {
        const int w = o.d.w[k];
        if (w < 0) continue;
        const std::size_t numbers = count(g.weights[std::size_t(w)].dims);
        if (trained[std::size_t(w)]) f(k, reinterpret_cast<Real*>(piece), numbers);
        piece += aligned(numbers * sizeof(Real));
    }
}

struct weight_cut {
    int pieces, chunks; // pieces of pixels; at most so many chunks of output channels
};

// Cuts by shapes only, so that the number of threads changes no addition. A single piece needs no partial sums. Large
// weights, which only convolutions have, may be cut by output channels instead, which changes no sum; other kernels add
// to all channels. each: partial_bytes.
inline weight_cut cut_weights(const operation& o, std::size_t each, int batch, extent output) {
    const int rows = batch * ((output.height + piece_grain - 1) / piece_grain);
    const double wanted = std::min(double(batch) * output.height * output.width / cost::piece_pixels,
                                   double(cost::partial_sums_bytes) / double(std::max<std::size_t>(each, 1)));
    const int pieces = std::min(int(std::clamp(wanted, 1., double(cost::most_pieces))), rows);
    const bool large = o.dims[1] > 1 && pieces < cost::chunked_below_pieces;
    return {pieces, large ? std::max(o.dims[0] / cost::chunk_outputs, 1) : 1};
}

// Calls f(images, rows) for the rows of a piece; rows of whole images come in one call.
template <class F> void each_part(int piece, int pieces, int batch, int height, F f) {
    constexpr int grain = piece_grain;
    const std::ptrdiff_t each = (height + grain - 1) / grain, all = each * batch;
    std::ptrdiff_t at = all * piece / pieces;
    for (const std::ptrdiff_t end = all * (piece + 1) / pieces; at < end;) {
        const std::ptrdiff_t n = at / each, whole = at == n * each ? (end - at) / each : 0,
                             stop = whole > 0 ? at + whole * each : std::min(end, (n + 1) * each);
        f(range{int(n), int(n + std::max<std::ptrdiff_t>(whole, 1))},
          whole > 0 ? range{0, height}
                    : range{int(at - n * each) * grain, std::min(int(stop - n * each) * grain, height)});
        at = stop;
    }
}

} // namespace fovea::detail
