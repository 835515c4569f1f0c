// The networks that are built in, on the sample in the repository: above bicubic interpolation by what they are worth.
#include "fovea/zoo/pretrained.hpp"
#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/image/crop.hpp"
#include "fovea/image/resize_matlab.hpp"
#include "fovea/io/image/read.hpp"
#include "fovea/metrics/psnr.hpp"
#include "support/catch.hpp"

using namespace fovea;

namespace {

template <int Scale> double gain() { // dB on Y
    const image original = crop_to_multiple(with_channels(read_image(FOVEA_SAMPLE), 3), 8);
    const image small = resize_matlab(original, original.height() / Scale, original.width() / Scale);
    auto upscaler = zoo::pretrained<Scale, cpu>();
    CHECK(upscaler.scale() == ratio{Scale});
    const metric_options on_y{.channels = metric_channels::y, .crop = Scale};
    return psnr(upscaler(small), original, on_y) -
           psnr(resize_matlab(small, original.height(), original.width()), original, on_y);
}

} // namespace

TEST_CASE("networks that are built in") {
    CHECK(gain<2>() > 1);
    CHECK(gain<4>() > 0.5);
    CHECK(gain<8>() > 0.3);
}
