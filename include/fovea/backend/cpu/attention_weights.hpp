// The twelve weights of the attention block in one array, each part 64-byte aligned: convolutions as pack_filters lays
// them out, proj_1 as pack_winograd does where that computes it, depthwise filters as [hidden / lanes][5][5][lanes],
// biases padded with zeros to whole vectors. Where c.a.halves is set, 1x1 convolutions as pack_half_filters does.
#pragma once
#include "fovea/backend/cpu/convolution.hpp"
#include "fovea/backend/cpu/depthwise.hpp"
#include "fovea/backend/cpu/half_products.hpp"
#include "fovea/backend/cpu/winograd_weights.hpp"

namespace fovea::FOVEA_ISA {

struct attention_weights {
    int features, hidden, kernel;
    bool winograd; // computes proj_1
    bool halves;   // compute the 1x1 convolutions
    convolution_layout proj_1, pointwise, proj_2;
    std::size_t at[12]; // in floats, in the order of the weights
    std::size_t floats = 0;

    static constexpr int whole(int channels) { return (channels + lanes - 1) / lanes * lanes; }

    attention_weights(int f, int a, int k, const attributes& how)
        : features(f),
          hidden(a),
          kernel(k),
          winograd(how.method == convolution_method::winograd),
          halves(how.halves),
          proj_1(projects_halves() ? half_layout(a, f, 1) : convolution_layout{1, a, f, kernel}),
          pointwise(halves ? half_layout(a, whole(a), 1) : convolution_layout{1, a, whole(a), 1}),
          proj_2(halves ? half_layout(f, whole(a), 1) : convolution_layout{1, f, whole(a), 1}) {
        const std::size_t bias = std::size_t(whole(a)), taps = bias * 25, out = std::size_t(whole(f));
        const std::size_t sizes[12] = {winograd ? proj_1_tiles().block_floats(groups()) : proj_1.group_floats(),
                                       bias,
                                       pointwise.group_floats(),
                                       bias,
                                       taps,
                                       bias,
                                       taps,
                                       bias,
                                       proj_2.group_floats(),
                                       out,
                                       out,
                                       out};
        for (int i = 0; i < 12; ++i) {
            at[i] = floats;
            floats += (sizes[i] + 15) / 16 * 16;
        }
    }
    bool projects_halves() const { return halves && kernel == 1; }
    int groups() const { return whole(hidden) / lanes; }
    winograd_layout proj_1_tiles() const { return {features, hidden}; }
};

inline attention_weights attention_weights_of(const preparation_call& c) {
    return {c.dims[0][1], c.dims[0][0], c.dims[0][2], c.a};
}
inline std::size_t packed_attention_block_bytes(const preparation_call& c) {
    return sizeof(float) * attention_weights_of(c).floats;
}

// w: proj_1 w (A,F,K,K), b; pointwise w (A,A,1,1), b; depthwise w (A,1,5,5), b; depthwise_dilated w (A,1,5,5), b;
// proj_2 w (F,A,1,1), b; pixel_norm w (F), b.
inline void pack_attention_block(const preparation_call& c) {
    const attention_weights l = attention_weights_of(c);
    float* out = static_cast<float*>(c.out);
    std::fill_n(out, l.floats, 0.f);
    const auto part = [&](int i) { // a call that prepares one weight alone
        preparation_call p;
        p.w[0] = c.w[std::size_t(i)];
        p.dims[0] = c.dims[std::size_t(i)];
        p.out = out + l.at[i];
        return p;
    };
    const auto pack = [&](const convolution_layout& layout, int i) {
        pack_filters(layout, filters::of({}, c.dims[std::size_t(i)], c.weight<float>(i)), out + l.at[i]);
    };
    const auto pack_pointwise = [&](const convolution_layout& layout, int i) {
        if constexpr (multiplies_halves)
            if (l.halves)
                return pack_half_filters(layout, c.dims[std::size_t(i)], c.weight<float>(i),
                                         reinterpret_cast<std::int32_t*>(out + l.at[i]));
        pack(layout, i);
    };
    l.winograd ? pack_winograd(part(0)) : l.projects_halves() ? pack_pointwise(l.proj_1, 0) : pack(l.proj_1, 0);
    pack_pointwise(l.pointwise, 2), pack_pointwise(l.proj_2, 8);
    for (int i : {4, 6}) pack_depthwise(part(i));
    for (int i : {1, 3, 5, 7}) std::copy_n(c.weight<float>(i), l.hidden, out + l.at[i]);
    for (int i : {9, 10, 11}) std::copy_n(c.weight<float>(i), l.features, out + l.at[i]);
}

} // namespace fovea::FOVEA_ISA
