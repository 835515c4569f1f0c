// Replaces the colours of transparent pixels. Files store anything there, most often black, which a network or a
// resampling kernel would mix into the visible pixels beside them, so that edges darken. Bleeding fills them from the
// nearest visible colours.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "fovea/image/convert.hpp"
#include "fovea/image/image.hpp"

namespace fovea {

namespace detail {

// Spreads colours from visible pixels in rings: a pixel gets the mean colour of those of its eight neighbours that
// belong to earlier rings. Each pixel is visited once, O(H W) in all, and the result does not depend on the order.
template <class T> class colour_bleeding {
  public:
    explicit colour_bleeding(image& picture)
        : picture_(picture), ring_(std::size_t(picture.height()) * std::size_t(picture.width()), untouched) {}

    void run() {
        std::vector<std::size_t> front = visible_pixels();
        for (std::uint32_t ring = 1; !front.empty(); ++ring) {
            std::vector<std::size_t> next;
            for (const std::size_t p : front)
                for_neighbours(p, [&](std::size_t n) {
                    if (ring_[n] != untouched) return;
                    ring_[n] = ring;
                    next.push_back(n);
                });
            for (const std::size_t p : next) colour(p, ring);
            front = std::move(next);
        }
    }

  private:
    static constexpr std::uint32_t untouched = ~std::uint32_t(0);

    T* pixel(std::size_t p) {
        const std::size_t width = std::size_t(picture_.width()), channels = std::size_t(picture_.channels());
        return picture_.row<T>(int(p / width)).data() + p % width * channels;
    }

    // Marks the visible pixels as ring 0 and returns those that touch a transparent one.
    std::vector<std::size_t> visible_pixels() {
        const std::size_t alpha = std::size_t(picture_.colours());
        for (std::size_t p = 0; p < ring_.size(); ++p)
            if (pixel(p)[alpha] > T(0)) ring_[p] = 0;
        std::vector<std::size_t> edge;
        for (std::size_t p = 0; p < ring_.size(); ++p) {
            bool touches = false;
            if (ring_[p] == 0) for_neighbours(p, [&](std::size_t n) { touches |= ring_[n] == untouched; });
            if (touches) edge.push_back(p);
        }
        return edge;
    }

    void colour(std::size_t p, std::uint32_t ring) {
        double sum[3] = {};
        int count = 0;
        for_neighbours(p, [&](std::size_t n) {
            if (ring_[n] >= ring) return;
            const T* from = pixel(n);
            for (int c = 0; c < picture_.colours(); ++c) sum[c] += double(from[c]);
            ++count;
        });
        const double half = std::is_integral_v<T> ? 0.5 : 0;
        for (int c = 0; c < picture_.colours(); ++c) pixel(p)[c] = T(sum[c] / count + half);
    }

    template <class Visit> void for_neighbours(std::size_t p, Visit&& visit) {
        const int width = picture_.width(), y = int(p / std::size_t(width)), x = int(p % std::size_t(width));
        for (int v = std::max(y - 1, 0); v <= std::min(y + 1, picture_.height() - 1); ++v)
            for (int u = std::max(x - 1, 0); u <= std::min(x + 1, width - 1); ++u)
                if (v != y || u != x) visit(std::size_t(v) * std::size_t(width) + std::size_t(u));
    }

    image& picture_;
    std::vector<std::uint32_t> ring_; // (H,W): the ring in which a pixel got its colour
};

} // namespace detail

// Returns the picture with the colours of its fully transparent pixels replaced by those of the visible pixels around
// them. Alpha and visible pixels are unchanged, and so are images without alpha or without any visible pixel.
inline image with_bled_colours(image in) {
    if (in.has_alpha())
        detail::with_samples_of(in.type(), [&](auto sample) { detail::colour_bleeding<decltype(sample)>(in).run(); });
    return in;
}

} // namespace fovea
