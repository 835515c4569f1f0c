// The published networks in their full depth tile exactly: halos of up to 184 pixels, wider than the image. What is new
// against exactness.cpp is the depth, so the smallest tiles are left to that.
#include "fovea/zoo/realesr.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/vapsr.hpp"
#include "support/exactness.hpp"

using namespace fovea;
using fovea_test::check_exactness;

namespace {
constexpr auto sizes = {extent{1, 1}, extent{1, 57}, extent{37, 53}};
constexpr auto photo = {extent{120, 1000}};
} // namespace

TEST_CASE("VapSR-S, whole") { check_exactness<zoo::vapsr_s, cpu>(sizes); }
TEST_CASE("VapSR x2, whole") { check_exactness<zoo::vapsr_x2, cpu>(sizes); }
TEST_CASE("VapSR x3, whole") { check_exactness<zoo::vapsr_x3, cpu>(sizes); }
TEST_CASE("VapSR x4, whole") { check_exactness<zoo::vapsr_x4, cpu>(sizes); }
TEST_CASE("VapSR-3x3 x2, whole") { check_exactness<zoo::vapsr_3x3_x2, cpu>(sizes); }
TEST_CASE("SuperCool C32 x4 with 16 blocks, whole") { check_exactness<zoo::supercool<4, 32, 2, 16>, cpu>(sizes); }
TEST_CASE("Real-ESRGAN's compact network, whole") { check_exactness<zoo::realesr_compact<>, cpu>(sizes); }
TEST_CASE("a photograph of 1000 columns through VapSR-S") { check_exactness<zoo::vapsr_s, cpu>(photo); }
TEST_CASE("a photograph of 1000 columns through SuperCool") {
    check_exactness<zoo::supercool<2, 32, 2, 16>, cpu>(photo);
}
