// Activations and outputs of the published networks on any backend, against what an independent implementation computed
// in float32.
#pragma once
#include "fovea/model/model.hpp"
#include "fovea/zoo/realesr.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/vapsr.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/random_weights.hpp"

namespace fovea_test {

using namespace fovea;

inline tensor<float> nhwc(const stored_tensor& t) { // from (N,C,H,W)
    const int n = int(t.shape[0]), c = int(t.shape[1]), h = int(t.shape[2]), w = int(t.shape[3]);
    tensor<float> x(n, h, w, c);
    const auto values = to_floats(t);
    std::size_t at = 0;
    for (int i = 0; i < n; ++i)
        for (int k = 0; k < c; ++k)
            for (int y = 0; y < h; ++y)
                for (int u = 0; u < w; ++u) x.at(i, y, u)[k] = values[at++];
    return x;
}

inline double spread(const tensor<float>& x) {
    const auto [low, high] = std::minmax_element(x.data(), x.data() + x.size());
    return double(*high) - *low;
}

template <class Network, class Backend, class Mode>
tensor<float> activation(const tensor_file& weights, const depths& d, std::string_view layer, const tensor<float>& x,
                         convolution_method method = convolution_method::automatic,
                         precision_kind precision = precision_kind::float32) {
    graph g = fovea::detail::trace_network<Network, Backend, Mode>(d, method);
    if (!layer.empty()) {
        INFO("layer " << layer);
        REQUIRE(truncate(g, layer));
    }
    const model_options o{.depth = d, .precision = precision};
    return upscaler(std::move(g), weights, o, fovea::engine_maker_of<Backend>())(x.view());
}

// In float32 every tensor of the golden file, rounding through some hundred layers being about 1e-6 of its range; in
// another precision the output.
struct golden_options {
    precision_kind precision = precision_kind::float32;
    double tolerance = 1e-4; // of a tensor's range
};

template <class Network, class Backend>
void compare_golden(const golden_options& how, const char* weights_name, const char* golden_name,
                    const depths& d = {}) {
    INFO(golden_name);
    FOVEA_NEEDS_DATA(weights_path, std::string("weights/") + weights_name);
    FOVEA_NEEDS_DATA(golden_path, std::string("golden/") + golden_name);
    const auto weights = weights_of(read_tensor_file(weights_path));
    const auto golden = read_tensor_file(golden_path);
    const auto x = nhwc(golden.at("input"));
    int compared = 0;
    for (auto& t : golden.tensors()) {
        const bool exact = how.precision == precision_kind::float32;
        if (t.name != "output" && !(exact && t.name.starts_with("after."))) continue;
        const auto expected = nhwc(t);
        const std::string layer = t.name == "output" ? "" : t.name.substr(6);
        INFO(t.name);
        const double most = how.tolerance * spread(expected);
        if (exact)
            CHECK(distance(activation<Network, Backend, inference_in_parts>(weights, d, layer, x), expected) < most);
        if (layer.empty()) // as users run it, blocks fused
            for (auto method : {convolution_method::automatic, convolution_method::direct})
                CHECK(distance(activation<Network, Backend, inference>(weights, d, "", x, method, how.precision),
                               expected) < most);
        ++compared;
    }
    CHECK(compared >= (how.precision == precision_kind::float32 ? 2 : 1));
}

template <class Backend> void compare_all_golden(const golden_options& how = {}) {
    using namespace zoo;
    compare_golden<vapsr_s, Backend>(how, "VapSR/VapSR-S.pth", "vapsr_s.safetensors");
    compare_golden<vapsr_x2, Backend>(how, "VapSR/VapSR_X2.pth", "vapsr_x2.safetensors");
    compare_golden<vapsr_x4, Backend>(how, "VapSR/VapSR_X4.pth", "vapsr_x4.safetensors");
    compare_golden<vapsr_3x3_x2, Backend>(how, "catid_upsampling/upsampling.pth", "vapsr_3x3_x2.safetensors");
    compare_golden<supercool<4, 32, 2, dynamic>, Backend>(how, "supercool_random/supercool_x4_c32_r2_l3.pt",
                                                          "supercool_x4_c32_r2_l3.safetensors", {{"encoder", 3}});
    compare_golden<supercool<2, 16, 4, 2, bilinear>, Backend>(
        how, "supercool_random/supercool_x2_c16_r4_l2_bilinear.pt", "supercool_x2_c16_r4_l2_bilinear.safetensors");
    compare_golden<realesr_compact<>, Backend>(how, "realesr-animevideov3_pth/realesr-animevideov3.pth",
                                               "realesr_animevideov3.safetensors");
}

} // namespace fovea_test
