// Activations and outputs of the published networks, as an independent implementation computed them in float32.
#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/model/model.hpp"
#include "fovea/zoo/realesr.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/vapsr.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"
#include "support/isa.hpp"
#include "support/random_weights.hpp"

using namespace fovea;

namespace {

tensor<float> nhwc(const stored_tensor& t) { // from (N,C,H,W)
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

double spread(const tensor<float>& x) {
    const auto [low, high] = std::minmax_element(x.data(), x.data() + x.size());
    return double(*high) - *low;
}

template <class Network, class Backend, class Mode>
tensor<float> activation(const tensor_file& weights, const depths& d, std::string_view layer, const tensor<float>& x,
                         convolution_method method = convolution_method::automatic) {
    graph g = fovea::detail::trace_network<Network, Backend, Mode>(d, method);
    if (!layer.empty()) {
        INFO("layer " << layer);
        REQUIRE(truncate(g, layer));
    }
    return upscaler(std::move(g), weights, {.depth = d})(x.view());
}

// Every tensor of the golden file to 1e-4 of its range: float32 rounding through some hundred layers is about 1e-6 of
// it.
template <class Network, class Backend>
void compare(const char* weights_name, const char* golden_name, const depths& d = {}) {
    INFO(golden_name);
    FOVEA_NEEDS_DATA(weights_path, std::string("weights/") + weights_name);
    FOVEA_NEEDS_DATA(golden_path, std::string("golden/") + golden_name);
    const auto weights = weights_of(read_tensor_file(weights_path));
    const auto golden = read_tensor_file(golden_path);
    const auto x = nhwc(golden.at("input"));
    int compared = 0;
    for (auto& t : golden.tensors()) {
        if (t.name != "output" && !t.name.starts_with("after.")) continue;
        const auto expected = nhwc(t);
        const std::string layer = t.name == "output" ? "" : t.name.substr(6);
        INFO(t.name);
        CHECK(fovea_test::distance(activation<Network, Backend, inference_in_parts>(weights, d, layer, x), expected) <
              1e-4 * spread(expected));
        if (layer.empty()) // as users run it, blocks fused
            for (auto method : {convolution_method::automatic, convolution_method::direct})
                CHECK(fovea_test::distance(activation<Network, Backend, inference>(weights, d, "", x, method),
                                           expected) < 1e-4 * spread(expected));
        ++compared;
    }
    CHECK(compared >= 2);
}

template <class Backend> void compare_all() {
    using namespace zoo;
    compare<vapsr_s, Backend>("VapSR/VapSR-S.pth", "vapsr_s.safetensors");
    compare<vapsr_x2, Backend>("VapSR/VapSR_X2.pth", "vapsr_x2.safetensors");
    compare<vapsr_x4, Backend>("VapSR/VapSR_X4.pth", "vapsr_x4.safetensors");
    compare<vapsr_3x3_x2, Backend>("catid_upsampling/upsampling.pth", "vapsr_3x3_x2.safetensors");
    compare<supercool<4, 32, 2, dynamic>, Backend>("supercool_random/supercool_x4_c32_r2_l3.pt",
                                                   "supercool_x4_c32_r2_l3.safetensors", {{"encoder", 3}});
    compare<supercool<2, 16, 4, 2, bilinear>, Backend>("supercool_random/supercool_x2_c16_r4_l2_bilinear.pt",
                                                       "supercool_x2_c16_r4_l2_bilinear.safetensors");
    compare<realesr_compact<>, Backend>("realesr-animevideov3_pth/realesr-animevideov3.pth",
                                        "realesr_animevideov3.safetensors");
}

} // namespace

TEST_CASE("golden tensors on the reference backend", "[reference]") { compare_all<reference>(); }

TEST_CASE("golden tensors on the cpu backend", "[cpu]") {
    FOVEA_NEEDS_ISA();
    compare_all<cpu>();
}

TEST_CASE("8-bit images go through a network of values in [-1,1] as its golden image does", "[cpu]") {
    FOVEA_NEEDS_ISA();
    FOVEA_NEEDS_DATA(weights_path, "weights/catid_upsampling/upsampling.pth");
    FOVEA_NEEDS_DATA(golden_path, "golden/vapsr_3x3_x2.safetensors");
    const auto golden = read_tensor_file(golden_path);
    const auto in = nhwc(golden.at("input_rgb8")), out = nhwc(golden.at("output_rgb8"));
    image small(in.height(), in.width(), 3);
    for (int y = 0; y < in.height(); ++y)
        std::transform(in.at(0, y, 0), in.at(0, y, 0) + 3 * in.width(), small.row<std::uint8_t>(y).begin(),
                       [](float v) { return std::uint8_t(v); });
    const image large =
        model<zoo::vapsr_3x3_x2, cpu>(weights_of(read_tensor_file(weights_path)), {.range = {-1, 1}})(small);
    REQUIRE(large.width() == out.width());
    int different = 0;
    for (int y = 0; y < out.height(); ++y)
        for (std::size_t i = 0; i < std::size_t(3 * out.width()); ++i) {
            const int d = std::abs(int(large.row<std::uint8_t>(y)[i]) - int(out.at(0, y, 0)[i]));
            CHECK(d <= 1); // a value on the edge between two bytes may fall to either side
            different += d;
        }
    CHECK(different < out.height() * out.width() * 3 / 1000);
}
