// Networks that were trained in other colours than RGB: an image through them is what converting by hand gives.
#include "fovea/image/colour_space.hpp"

#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/zoo/load.hpp"
#include "support/catch.hpp"
#include "support/random_weights.hpp"

using namespace fovea;

namespace {

using network = zoo::supercool<2, 8, 1, 1>;

image noise(int channels) {
    image x(9, 14, channels, sample_type::f32);
    random_stream random(5);
    for (int y = 0; y < x.height(); ++y)
        for (float& v : x.row<float>(y)) v = random.uniform();
    return x;
}

tensor_file weights_in(const char* space) {
    tensor_file file = fovea_test::random_weights<network>();
    file.metadata["colour_space"] = space;
    return file;
}

tensor<float> tensor_from(const image& x) {
    tensor<float> t(1, x.height(), x.width(), 3);
    for (int y = 0; y < x.height(); ++y) std::ranges::copy(x.row<float>(y), t.at(0, y, 0));
    return t;
}
std::span<float> numbers_of(tensor<float>& t) { return {t.data(), t.size()}; }

image by_hand(upscaler& net, colour_space space, const image& in) {
    tensor<float> x = tensor_from(in);
    from_rgb(space, numbers_of(x));
    tensor<float> y = net(std::as_const(x).view());
    to_rgb(space, numbers_of(y));
    image out(y.height(), y.width(), 3, sample_type::f32);
    for (int h = 0; h < y.height(); ++h) std::copy_n(y.at(0, h, 0), 3 * y.width(), out.row<float>(h).begin());
    return out;
}

} // namespace

TEST_CASE("an image goes through the colour space that a weight file names") {
    for (const char* name : {"yuv", "oklab"}) {
        INFO(name);
        upscaler net = zoo::load<cpu>(weights_in(name)), in_rgb = zoo::load<cpu>(weights_in("rgb"));
        const image x = noise(3), expected = by_hand(net, colour_space_of(name), x);
        CHECK(net(x) == expected);
        CHECK_FALSE(net(x) == in_rgb(x));
        // 8 bits on the way in: what is converted are the rounded samples.
        const image rounded = with_type(x, sample_type::u8);
        const image in_float = with_type(rounded, sample_type::f32);
        const image made = net(rounded),
                    from_float = with_type(by_hand(net, colour_space_of(name), in_float), sample_type::u8);
        int apart = 0; // v * (1/255) and v / 255 differ in the last bit, which may turn a rounding
        for (int y = 0; y < made.height(); ++y)
            for (std::size_t i = 0; i < std::size_t(3 * made.width()); ++i)
                apart = std::max(apart,
                                 std::abs(int(made.row<std::uint8_t>(y)[i]) - int(from_float.row<std::uint8_t>(y)[i])));
        CHECK(apart <= 1);
    }
}

TEST_CASE("colours below zero are not cut off") {
    // A network whose convolutions give nothing: what comes back is the interpolated image, whatever its colours are
    // called. Interpolation is linear, and so is YUV: 1e-6 is some roundings of numbers up to one.
    const tensor_file random = fovea_test::random_weights<network>();
    tensor_file nothing;
    nothing.metadata["colour_space"] = "yuv";
    for (auto& t : random.tensors())
        nothing.add(
            tensor_of(t.name, t.shape, std::vector<float>(std::size_t(t.size()), t.name.ends_with("weight_v"))));
    tensor_file in_rgb = nothing;
    in_rgb.metadata["colour_space"] = "rgb";
    image x = noise(3); // without overshoot: networks in RGB clamp
    for (int y = 0; y < x.height(); ++y)
        for (float& v : x.row<float>(y)) v = 0.4f + 0.2f * v;
    const image made = zoo::load<cpu>(nothing)(x), plain = zoo::load<cpu>(in_rgb)(x);
    for (int y = 0; y < made.height(); ++y)
        for (std::size_t i = 0; i < std::size_t(3 * made.width()); ++i)
            REQUIRE(std::abs(made.row<float>(y)[i] - plain.row<float>(y)[i]) < 1e-6f);
}

TEST_CASE("a gray image stays gray in other colours; an unknown one is refused by the file's name") {
    upscaler net = zoo::load<cpu>(weights_in("yuv"));
    CHECK(net(noise(1)).channels() == 1);
    tensor_file file = weights_in("hsv");
    std::string reason;
    try {
        zoo::load<cpu>(file);
    } catch (const error& e) {
        reason = e.what();
    }
    CHECK(reason == "random weights: colour space 'hsv': expected rgb, yuv or oklab");
}
