// The figures of bicubic interpolation that an independent implementation (Pillow, scikit-image) gives: RGB, the image
// cropped to even size, halved and doubled with Pillow's bicubic, 4 pixels cropped.
#include <filesystem>
#include <string>

#include "fovea/image/crop.hpp"
#include "fovea/image/resize_pillow.hpp"
#include "fovea/io/image/read.hpp"
#include "fovea/metrics/psnr.hpp"
#include "fovea/metrics/ssim.hpp"
#include "support/catch.hpp"
#include "support/data.hpp"

using namespace fovea;

namespace {

void check_bicubic(const std::filesystem::path& folder, double expected_psnr, double expected_ssim) {
    double psnr_sum = 0, ssim_sum = 0;
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        const image hr = with_channels(crop_to_multiple(read_image(entry.path()), 2), 3);
        const image small = resize_pillow(hr, hr.height() / 2, hr.width() / 2);
        const image large = resize_pillow(small, hr.height(), hr.width());
        psnr_sum += psnr(large, hr, {.channels = metric_channels::rgb, .crop = 4});
        ssim_sum += ssim_uniform(large, hr, {.channels = metric_channels::rgb, .crop = 4});
        ++count;
    }
    REQUIRE(count > 0);
    // The figures have four decimals: half a unit of the last.
    CHECK(psnr_sum / count == Approx(expected_psnr).margin(0.5001e-4).epsilon(0));
    CHECK(ssim_sum / count == Approx(expected_ssim).margin(0.5001e-4).epsilon(0));
}

} // namespace

TEST_CASE("bicubic on Set5 has its known figures") {
    FOVEA_NEEDS_DATA(folder, "data/test/Set5/HR");
    check_bicubic(folder, 31.7817, 0.9175);
}

#if !FOVEA_SANITIZED // the same code
TEST_CASE("bicubic on Set14 has its known figures") {
    FOVEA_NEEDS_DATA(folder, "data/test/Set14/HR");
    check_bicubic(folder, 28.5261, 0.8563);
}
#endif
