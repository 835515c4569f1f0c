// 1x1 convolutions as one matrix product over pixels: y[p] = act(x[p] w + b) + skip. Pixels are copied side by side,
// some at a time, so that blocks are full in narrow images, and that pixels that lie a power of two apart do not push
// each other out of L1. The sum of a pixel has its terms in the order in which convolution() adds them.
#pragma once
#include "fovea/backend/cpu/pixel_list.hpp"
#include "fovea/backend/cpu/register_block.hpp"

namespace fovea::FOVEA_ISA {

struct gathered_pixels {
    std::ptrdiff_t step; // floats, from a pixel to the next
    int at_once;
    explicit gathered_pixels(int inputs) : step((inputs + line_floats - 1) / line_floats * line_floats + line_floats) {
        constexpr int cached = 128 << 10, blocks = 168; // floats; pixels, a multiple of every block's
        const int fitting = int(cached / step);
        at_once = fitting >= blocks ? fitting / blocks * blocks : std::max(14, fitting / 14 * 14);
    }
    std::size_t bytes() const { return sizeof(float) * std::size_t(step) * std::size_t(at_once); }
};

// l: the layout of the packed weights, in blocks of outputs (convolution_layout). from(image, row, column) points to
// the inputs of a pixel; those of the next pixel of the row lie `from_step` floats on. to(image, row, column, channel,
// channels) is the destination of these output channels from that pixel on.
template <class Layout, class From, class To>
void multiply_pixels(const Layout& l, const pixel_list& pixels, const float* w, From from, std::ptrdiff_t from_step,
                     To to, epilogue finish, float* scratch) {
    const gathered_pixels g(l.inputs);
    terms t{};
    t.row[0] = scratch, t.rows = t.runs = 1, t.length = l.inputs, t.pixel_step = g.step;
    for (int first = 0, all = pixels.count(); first < all; first += g.at_once) {
        const int count = std::min(g.at_once, all - first);
        pixels.each_run(first, first + count, [&](int n, int y, int x, int run, int before) {
            const float* in = from(n, y, x);
            for (int p = before; p < before + run; ++p, in += from_step)
                std::copy_n(in, l.inputs, scratch + p * g.step);
        });
        l.each_block([&](int vector, int vectors, std::size_t floats) {
            const auto put = [&](const float* sums, int begin, int end) {
                pixels.each_run(first + begin, first + end, [&](int n, int y, int x, int run, int before) {
                    finish(to(n, y, x, vector * lanes, vectors * lanes), sums + before * vectors * lanes, vectors, 0,
                           run);
                });
            };
            with_block_vectors(vectors, [&](auto nv) { sum_pixels<nv()>(t, w + floats, count, put); });
        });
    }
}

} // namespace fovea::FOVEA_ISA
