// The weights of the attention block, packed into one array. Each part begins at a multiple of 64 bytes.
//
// Convolutions are packed as pack_filters does it, proj_1 as pack_winograd does it where Winograd computes it,
// depthwise filters as [hidden / lanes][5][5][lanes]. Biases are padded with zeros to whole vectors. Where
// attributes::halves is set, the 1x1 convolutions are packed as pack_half_filters does it.
#pragma once
#include "fovea/backend/cpu/convolution.hpp"
#include "fovea/backend/cpu/depthwise.hpp"
#include "fovea/backend/cpu/half_products.hpp"
#include "fovea/backend/cpu/winograd_weights.hpp"

namespace fovea::FOVEA_ISA {

// The weights in the order in which the operation has them: a layer's weight, then its bias.
enum attention_weight : int {
    proj_1_filters,    // (A,F,K,K)
    proj_1_bias,       // (A)
    pointwise_filters, // (A,A,1,1)
    pointwise_bias,    // (A)
    depthwise_filters, // (A,1,5,5)
    depthwise_bias,    // (A)
    dilated_filters,   // (A,1,5,5)
    dilated_bias,      // (A)
    proj_2_filters,    // (F,A,1,1)
    proj_2_bias,       // (F)
    norm_scale,        // (F)
    norm_offset,       // (F)
    attention_weight_count
};

struct attention_weights {
    int features, hidden, kernel; // F, A, K
    bool winograd;                // computes proj_1
    bool halves;                  // the 1x1 convolutions multiply in half precision
    convolution_layout proj_1, pointwise, proj_2;
    std::size_t at[attention_weight_count]; // floats from the beginning of the array
    std::size_t floats = 0;                 // of the array

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
        const std::size_t hidden_floats = std::size_t(whole(a)), feature_floats = std::size_t(whole(f));
        std::size_t sizes[attention_weight_count];
        sizes[proj_1_filters] = winograd ? proj_1_tiles().block_floats(groups()) : proj_1.group_floats();
        sizes[pointwise_filters] = pointwise.group_floats();
        sizes[proj_2_filters] = proj_2.group_floats();
        for (int i : {depthwise_filters, dilated_filters}) sizes[i] = 25 * hidden_floats;
        for (int i : {proj_1_bias, pointwise_bias, depthwise_bias, dilated_bias}) sizes[i] = hidden_floats;
        for (int i : {proj_2_bias, norm_scale, norm_offset}) sizes[i] = feature_floats;
        for (int i = 0; i < attention_weight_count; ++i) {
            at[i] = floats;
            floats += (sizes[i] + 15) / 16 * 16;
        }
    }
    bool projects_halves() const { return halves && kernel == 1; } // proj_1, too, is a 1x1 convolution
    int groups() const { return whole(hidden) / lanes; }           // vectors of hidden channels
    winograd_layout proj_1_tiles() const { return {features, hidden}; }
};

inline attention_weights attention_weights_of(const preparation_call& c) {
    return {c.dims[0][1], c.dims[0][0], c.dims[0][2], c.a};
}
inline std::size_t packed_attention_block_bytes(const preparation_call& c) {
    return sizeof(float) * attention_weights_of(c).floats;
}

inline void pack_attention_block(const preparation_call& c) {
    const attention_weights l = attention_weights_of(c);
    float* out = static_cast<float*>(c.out);
    std::fill_n(out, l.floats, 0.f);
    const auto alone = [&](int i) { // the call that prepares weight i alone
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
    if (l.winograd)
        pack_winograd(alone(proj_1_filters));
    else if (l.projects_halves())
        pack_pointwise(l.proj_1, proj_1_filters);
    else
        pack(l.proj_1, proj_1_filters);
    pack_pointwise(l.pointwise, pointwise_filters);
    pack_pointwise(l.proj_2, proj_2_filters);
    for (int i : {depthwise_filters, dilated_filters}) pack_depthwise(alone(i));
    const auto copy = [&](int i, int channels) { std::copy_n(c.weight<float>(i), channels, out + l.at[i]); };
    for (int i : {proj_1_bias, pointwise_bias, depthwise_bias, dilated_bias}) copy(i, l.hidden);
    for (int i : {proj_2_bias, norm_scale, norm_offset}) copy(i, l.features);
}

} // namespace fovea::FOVEA_ISA
