// All parameters of a network, contiguous in device memory, and a table of their pieces, so that one launch covers them
// all.
#pragma once
#include <vector>

#include "fovea/backend/cuda/blocks.hpp"
#include "fovea/graph/parameter.hpp"

namespace fovea {

// The numbers [begin, begin + count) of a tensor that starts at `tensor_begin` in the array of all parameters.
struct tensor_piece {
    std::ptrdiff_t tensor_begin, begin;
    int tensor, count;
};

struct piece_table {
    static constexpr int most = 4096; // largest piece, the work of a block
    std::vector<tensor_piece> pieces;
    std::vector<int> first; // first piece of each tensor; one more entry at the end
    std::ptrdiff_t numbers = 0;

    void add(std::size_t size) {
        first.push_back(int(pieces.size()));
        for (std::size_t begin = 0; begin < size; begin += most)
            pieces.push_back({numbers, std::ptrdiff_t(begin), int(first.size()) - 1,
                              int(std::min<std::size_t>(most, size - begin))});
        numbers += std::ptrdiff_t(size);
    }
    void close() { first.push_back(int(pieces.size())); }
};

// Calls f(piece, index in the tensor) for all numbers; one block for each piece.
template <class F> struct piece_kernel {
    static constexpr int threads = 256;
    using shared = nothing_kept;
    using own = nothing_kept;

    const tensor_piece* pieces;
    int count;
    F f;

    int blocks() const { return count; }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int block, int thread, shared&, own&) const {
        const tensor_piece p = pieces[block];
        for (int i = thread; i < p.count; i += threads) f(p, p.begin + i);
    }
};

} // namespace fovea
