// CUDA kernels for the sums in PSNR, SSIM and VIF, on planes of doubles as metrics/ defines them. Sums are in double:
// each block writes its own, and one block adds those in a fixed order.
#pragma once
#include <algorithm>
#include <cassert>

#include "fovea/backend/cuda/block_sums.hpp"
#include "fovea/backend/cuda/pixels.hpp"
#include "fovea/image/colour.hpp"
#include "fovea/metrics/ssim.hpp"
#include "fovea/metrics/vif.hpp"

namespace fovea {

struct device_plane {
    double* values = nullptr; // (H,W)
    int height = 0, width = 0;

    std::ptrdiff_t size() const { return std::ptrdiff_t(height) * width; }
    FOVEA_HOST_DEVICE double at(int y, int x) const { return values[std::ptrdiff_t(y) * width + x]; }
};

// Makes the planes of an image without its border, one after the other: Y, or R, G and B. Gray counts as three
// channels.
struct metric_planes_kernel {
    static constexpr int threads = 256;
    using shared = nothing_kept;
    using own = nothing_kept;

    device_samples from;
    device_plane first;
    int crop;
    bool luma;

    int blocks() const { return blocks_for(first.size(), threads); }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int block, int thread, shared&, own&) const {
        const std::ptrdiff_t i = std::ptrdiff_t(block) * threads + thread,
                             all = std::ptrdiff_t(first.height) * first.width;
        if (i >= all) return;
        const std::ptrdiff_t at = from.index({0, crop + int(i / first.width), crop + int(i % first.width)});
        const int step = from.colours == 1 ? 0 : 1;
        const double white = from.type == sample_type::u8    ? 255
                             : from.type == sample_type::u16 ? 65535
                                                             : 1,
                     unit = 255 / white;
        const double r = double(from.load(at)) * unit, g = double(from.load(at + step)) * unit,
                     b = double(from.load(at + 2 * step)) * unit;
        first.values[i] = luma ? luma_bt601(r, g, b) : r;
        if (!luma) first.values[all + i] = g, first.values[2 * all + i] = b;
    }
};

// The sum of (a - b)^2 over the values of all planes.
struct squared_differences {
    static constexpr int threads = 256, each = 8; // each: values for each thread
    using shared = block_sums<1>;
    using own = nothing_kept;

    const double *a, *b;
    std::ptrdiff_t count;
    double* partial; // (blocks)

    int blocks() const { return blocks_for(count, threads * each); }
    FOVEA_HOST_DEVICE int phases() const { return 3; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own&) const {
        if (phase == 0) {
            double sum = 0;
            for (int k = 0; k < each; ++k) {
                const std::ptrdiff_t i = (std::ptrdiff_t(block) * each + k) * threads + thread;
                if (i < count) sum += (a[i] - b[i]) * (a[i] - b[i]);
            }
            s.of_thread[0][thread] = sum;
        } else if (phase == 1)
            s.fold(thread);
        else if (thread == 0)
            partial[block] = s.total(0);
    }
};

// The weights along either axis of a window.
struct device_window {
    static constexpr int most = 17;
    double weights[most] = {};
    int size = 0;

    explicit device_window(const std::vector<double>& w) : size(int(w.size())) {
        assert(size <= most);
        std::copy(w.begin(), w.end(), weights);
    }
};

// Computes a term of the metric from the weighted sums of a, b, aa, bb, ab in a window.
struct ssim_of_window {
    static constexpr int sums = 1;
    double variance_factor;
    FOVEA_HOST_DEVICE void operator()(const double (&moments)[5], double (&to)[sums]) const {
        to[0] = detail::ssim_of_moments(moments, variance_factor);
    }
};
struct information_of_window {
    static constexpr int sums = 2; // preserved and original information
    FOVEA_HOST_DEVICE void operator()(const double (&m)[5], double (&to)[sums]) const {
        const double va = m[2] - m[0] * m[0], vb = m[3] - m[1] * m[1];
        const detail::visual_information v =
            detail::information_of(va > 0 ? va : 0, vb > 0 ? vb : 0, m[4] - m[0] * m[1]);
        to[0] = v.kept, to[1] = v.whole;
    }
};

// Sums a formula over all windows inside two planes. Each block has a tile of windows; it sums over the window's rows
// first, then over its columns.
template <class Formula> struct windows_kernel {
    static constexpr int threads = 256, columns = 32, rows = threads / columns;
    static constexpr int read_rows = rows + device_window::most - 1, read_columns = columns + device_window::most - 1;
    struct shared {
        double a[read_rows][read_columns], b[read_rows][read_columns];
        double down[5][rows][read_columns];
        block_sums<Formula::sums> sums;
    };
    using own = nothing_kept;

    device_plane a, b;
    device_window window;
    Formula formula;
    double* partial; // (Formula::sums, blocks)

    FOVEA_HOST_DEVICE int all_rows() const { return a.height - window.size + 1; }
    FOVEA_HOST_DEVICE int all_columns() const { return a.width - window.size + 1; }
    FOVEA_HOST_DEVICE int tiles_along() const { return (all_columns() + columns - 1) / columns; }
    FOVEA_HOST_DEVICE int tiles() const { return (all_rows() + rows - 1) / rows * tiles_along(); }
    int blocks() const { return blocks_for(std::ptrdiff_t((all_rows() + rows - 1) / rows) * tiles_along(), 1); }
    FOVEA_HOST_DEVICE int phases() const { return 5; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own&) const {
        const int top = block / tiles_along() * rows, left = block % tiles_along() * columns;
        if (phase == 0)
            load(top, left, thread, s);
        else if (phase == 1)
            sum_down(thread, s);
        else if (phase == 2)
            sum_along(top, left, thread, s);
        else if (phase == 3)
            s.sums.fold(thread);
        else if (thread < Formula::sums)
            partial[std::ptrdiff_t(thread) * tiles() + block] = s.sums.total(thread);
    }

  private:
    FOVEA_HOST_DEVICE void load(int top, int left, int thread, shared& s) const {
        const int high = rows + window.size - 1, wide = columns + window.size - 1;
        for (int i = thread; i < high * wide; i += threads) {
            const int y = i / wide, x = i % wide;
            const bool inside = top + y < a.height && left + x < a.width;
            s.a[y][x] = inside ? a.at(top + y, left + x) : 0;
            s.b[y][x] = inside ? b.at(top + y, left + x) : 0;
        }
    }
    FOVEA_HOST_DEVICE void sum_down(int thread, shared& s) const {
        const int wide = columns + window.size - 1;
        for (int i = thread; i < rows * wide; i += threads) {
            const int y = i / wide, x = i % wide;
            double sum[5] = {};
            for (int k = 0; k < window.size; ++k) {
                const double w = window.weights[k], p = s.a[y + k][x], q = s.b[y + k][x];
                sum[0] += w * p, sum[1] += w * q;
                sum[2] += w * p * p, sum[3] += w * q * q, sum[4] += w * p * q;
            }
            for (int m = 0; m < 5; ++m) s.down[m][y][x] = sum[m];
        }
    }
    FOVEA_HOST_DEVICE void sum_along(int top, int left, int thread, shared& s) const {
        const int y = thread / columns, x = thread % columns;
        double of_window[Formula::sums] = {};
        if (top + y < all_rows() && left + x < all_columns()) {
            double moments[5] = {};
            for (int m = 0; m < 5; ++m)
                for (int k = 0; k < window.size; ++k) moments[m] += window.weights[k] * s.down[m][y][x + k];
            formula(moments, of_window);
        }
        for (int k = 0; k < Formula::sums; ++k) s.sums.of_thread[k][thread] = of_window[k];
    }
};

// Blurs a plane where the window lies inside it, and keeps every second row and column.
struct blur_and_halve {
    static constexpr int threads = 256;
    using shared = nothing_kept;
    using own = nothing_kept;

    device_plane from, to;
    device_window window;

    int blocks() const { return blocks_for(to.size(), threads); }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int block, int thread, shared&, own&) const {
        const std::ptrdiff_t i = std::ptrdiff_t(block) * threads + thread;
        if (i >= std::ptrdiff_t(to.height) * to.width) return;
        const int y = int(i / to.width), x = int(i % to.width);
        double sum = 0;
        for (int k = 0; k < window.size; ++k) {
            double down = 0;
            for (int j = 0; j < window.size; ++j) down += window.weights[j] * from.at(2 * y + j, 2 * x + k);
            sum += window.weights[k] * down;
        }
        to.values[i] = sum;
    }
};

} // namespace fovea
