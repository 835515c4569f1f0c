// Metrics by the GPU's kernels, on a device that is the host, beside those of the CPU.
#include "support/metrics.hpp"
#include "fovea/backend/cpu/cpu.hpp"
#include "support/host_training.hpp"

using namespace fovea_test;

TEST_CASE("metrics of the GPU: the CPU's figures, of every kind of image") {
    check_metrics<host_device>(std::make_shared<host_device>());
}

TEST_CASE("metrics of the GPU: what cannot be compared is refused") {
    device_metrics<host_device> m(std::make_shared<host_device>());
    CHECK_THROWS_WITH(m.psnr(), Catch::Contains("expected load() first"));
    CHECK_THROWS_WITH(m.load(image(9, 9, 3), image(9, 8, 3), {}), Catch::Contains("8x9"));
    CHECK_THROWS_WITH(m.load(image(9, 9, 3), image(9, 9, 3), {.crop = 5}), Catch::Contains("at least 1"));
    m.load(image(12, 10, 3), image(12, 10, 3), {});
    CHECK(m.psnr() == std::numeric_limits<double>::infinity());
    CHECK_THROWS_WITH(m.ssim(), Catch::Contains("10x12") && Catch::Contains("at least 11"));
    CHECK(m.ssim_uniform() == Approx(1));
    CHECK_THROWS_WITH(m.vif(), Catch::Contains("at least 41"));
    m.load(image(12, 11, 3), image(12, 11, 3), {});
    CHECK(m.ssim() == Approx(1));

    host_device::memory = 100000;
    device_metrics<host_device> small(std::make_shared<host_device>());
    host_device::memory = std::size_t{1} << 40;
    CHECK_THROWS_WITH(small.load(image(90, 90, 3), image(90, 90, 3), {}), Catch::Contains("out of memory of the GPU"));
}

TEST_CASE("metrics of the GPU: LPIPS") { check_lpips_metric<trained_on_host, cpu>(); }
