// CUDA kernels for the losses of loss/pixel.hpp and loss/classification.hpp. Each term adds its value to the loss and
// its gradient to dy. Each block sums its numbers, then one block adds those sums, in double and in an order that only
// the shapes decide.
#pragma once
#include <cmath>

#include "fovea/backend/cuda/block_sums.hpp"
#include "fovea/backend/cuda/view.hpp"
#include "fovea/loss/terms.hpp"

namespace fovea {

struct loss_kernel {
    static constexpr int threads = 256, each = 8; // each: numbers for each thread
    using shared = block_sums<1>;
    using own = nothing_kept;

    loss_term term;
    device_view y, t, dy; // (N,H,W,C); t may be absent if the term does not read it
    double* partial;      // (blocks): sums of each block
    device_area area;
    double numbers, down, right; // count of values, of vertical and of horizontal neighbours
    double scale;                // factor of the gradient

    template <class Call>
    loss_kernel(const Call& whole, const loss_term& l, const window& output, const window& target, const window& d,
                double* sums, double scale_of_gradient)
        : term(l), y(output), t(target), dy(d), partial(sums), area(whole), scale(scale_of_gradient) {
        const double rows = double(area.images) * y.channels;
        numbers = rows * y.height * y.width;
        down = rows * (y.height - 1) * y.width, right = rows * y.height * (y.width - 1);
    }

    std::ptrdiff_t values() const { return std::ptrdiff_t(area.pixels()) * y.channels; }
    int blocks() const { return blocks_for(values(), threads * each); }
    FOVEA_HOST_DEVICE int phases() const { return 3; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own&) const {
        if (phase == 0)
            s.of_thread[0][thread] = sum_of(block, thread);
        else if (phase == 1)
            s.fold(thread);
        else if (thread == 0)
            partial[block] = s.total(0);
    }

  private:
    FOVEA_HOST_DEVICE double sum_of(int block, int thread) const {
        const std::ptrdiff_t pixels = std::ptrdiff_t(area.images) * area.rows * area.columns;
        double sum = 0;
        for (int k = 0; k < each; ++k) {
            const std::ptrdiff_t i = (std::ptrdiff_t(block) * each + k) * threads + thread;
            if (i >= pixels * y.channels) break;
            const pixel_position p = area.at(int(i / y.channels));
            const int c = int(i % y.channels);
            double slope = 0;
            sum += term.kind == loss_kind::total_variation ? variation(p, c, slope) : at_value(p, c, slope) / numbers;
            dy.put(p, c, dy.get(p, c) + float(scale * term.weight * slope));
        }
        return sum;
    }
    FOVEA_HOST_DEVICE double at_value(pixel_position p, int c, double& slope) const {
        const double v = double(y.get(p, c));
        const double d = term.kind == loss_kind::cross_entropy ? v : v - double(t.get(p, c));
        double value = 0;
        switch (term.kind) {
            case loss_kind::l1:
                value = fabs(d), slope = double((d > 0) - (d < 0));
                break;
            case loss_kind::charbonnier:
                value = sqrt(d * d + term.parameter * term.parameter), slope = value > 0 ? d / value : 0;
                break;
            case loss_kind::cross_entropy: {
                const double small = exp(-fabs(d));
                value = (d > 0 ? d : 0) - d * term.parameter + log1p(small);
                slope = (d >= 0 ? 1 : small) / (1 + small) - term.parameter;
                break;
            }
            default:
                value = d * d, slope = 2 * d;
        }
        slope /= numbers;
        return value;
    }
    // Returns the squared differences to the neighbours below and to the right; the slope has contributions of all four
    // neighbours.
    FOVEA_HOST_DEVICE double variation(pixel_position p, int c, double& slope) const {
        double value = 0;
        for (int towards = 0; towards < 4; ++towards) {
            const bool vertical = towards < 2, ahead = towards % 2 == 0;
            const int step = ahead ? 1 : -1, row = p.row + (vertical ? step : 0),
                      column = p.column + (vertical ? 0 : step);
            if (!y.inside(row, column)) continue;
            const double pairs = vertical ? down : right,
                         d = double(y.get({p.image, row, column}, c)) - double(y.get(p, c));
            slope -= 2 * d / pairs;
            if (ahead) value += d * d / pairs;
        }
        return value;
    }
};

namespace detail {

// Bytes of the partial sums for an output of that size.
inline std::size_t loss_scratch(int batch, const window& y) {
    const std::ptrdiff_t values = std::ptrdiff_t(batch) * y.height * y.width * y.channels;
    return std::size_t(blocks_for(values, loss_kernel::threads * loss_kernel::each)) * sizeof(double);
}

// Adds the loss to *value, and its gradient times `scale` to dy. `area` carries the queue and must cover all pixels of
// y.
template <class Device>
void launch_loss(const call& area, const loss_terms& terms, const window& t, const window& dy, double* partial,
                 double* value, double scale = 1) {
    for (const loss_term& term : terms) {
        if (term.by) continue; // a network_loss launches kernels of its own
        call part = area;
        if (term.images > 0) part.images = {term.first, term.first + term.images};
        const loss_kernel k(part, term, area.y, t, dy, partial, scale);
        Device::launch(area.queue, k, k.blocks());
        Device::launch(area.queue, add_numbers{partial, k.blocks(), term.weight, value}, add_numbers::blocks());
    }
}

} // namespace detail

} // namespace fovea
