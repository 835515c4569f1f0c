// Activations and outputs of the published networks, as an independent implementation computed them in float32.
#include "support/golden.hpp"
#include "fovea/backend/cpu/cpu.hpp"
#include "support/isa.hpp"

using namespace fovea_test;

TEST_CASE("golden tensors on the reference backend", "[reference]") { compare_all_golden<reference>(); }

TEST_CASE("golden tensors on the cpu backend", "[cpu]") {
    FOVEA_NEEDS_ISA();
    compare_all_golden<cpu>();
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
