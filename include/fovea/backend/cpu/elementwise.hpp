// Operations that compute each value from the values at its own place: activate (y = act(x)), prelu (y = x, below zero
// times a slope that each channel has), add, multiply.
//
//   x[0], x[1], y  (N,H,W,C), y may be an input     prelu w[0]  (C)
#pragma once
#include "fovea/backend/cpu/epilogue.hpp"

namespace fovea::FOVEA_ISA {

// y[i] = f(a[i], b[i]) for vectors along every row; a is x[0], b is x[1], or x[0] again where there is no second input.
template <class F> FOVEA_INLINE void each_vector(const call& c, F f) {
    each_row(c, [&](int n, int y) {
        const float* a = c.x[0].at<const float>(n, y, c.cols.begin);
        const float* b = c.x[1] ? c.x[1].at<const float>(n, y, c.cols.begin) : a;
        float* out = c.y.at<float>(n, y, c.cols.begin);
        const int values = c.cols.size() * c.y.channels;
        int i = 0;
        for (; i + lanes <= values; i += lanes) store(out + i, f(load(a + i), load(b + i)));
        if (const int left = values - i) store_part(out + i, f(load_part(a + i, left), load_part(b + i, left)), left);
    });
}

template <activation_kind Kind> void activate_as(const call& c) {
    each_vector(c, [&](vf x, vf) { return activated<Kind>(x, c.a.slope); });
}
inline void activate(const call& c) {
    with_activation(c.a.activation, [&]<activation_kind Kind>() { activate_as<Kind>(c); });
}

inline void add(const call& c) {
    each_vector(c, [](vf a, vf b) { return a + b; });
}
inline void multiply(const call& c) {
    each_vector(c, [](vf a, vf b) { return a * b; });
}

inline void prelu(const call& c) {
    const int channels = c.y.channels;
    each_row(c, [&](int n, int y) {
        for (int first = 0; first < channels; first += lanes) {
            const int k = std::min(lanes, channels - first);
            const vf slope = load_first(c.weight<float>(0) + first, k);
            const float* x = c.x[0].at<const float>(n, y, c.cols.begin) + first;
            float* out = c.y.at<float>(n, y, c.cols.begin) + first;
            for (int p = 0; p < c.cols.size(); ++p, x += channels, out += channels)
                store_first(out, leaky_relu(load_first(x, k), slope), k);
        }
    });
}

} // namespace fovea::FOVEA_ISA
