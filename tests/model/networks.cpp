// The published networks in their full depth tile exactly: halos of up to 184 pixels, wider than the image. What is new
// against exactness.cpp is the depth, so most ways to cut them are left to that.
#include "fovea/zoo/realesr.hpp"
#include "fovea/zoo/supercool.hpp"
#include "fovea/zoo/vapsr.hpp"
#include "support/exactness.hpp"

using namespace fovea;

namespace {

constexpr auto photograph = {extent{120, 1000}};

constexpr schedule each_kind_once[] = {{0, 0, 4}, {16, 24, 0}, {0, 33, 16}};

template <class Network> void check_whole() {
    fovea_test::check_exactness_with<Network, cpu>({extent{1, 1}, extent{1, 57}, extent{37, 53}}, {}, each_kind_once);
}

} // namespace

TEST_CASE("VapSR-S, whole") { check_whole<zoo::vapsr_s>(); }
TEST_CASE("VapSR x2, whole") { check_whole<zoo::vapsr_x2>(); }
TEST_CASE("VapSR x3, whole") { check_whole<zoo::vapsr_x3>(); }
TEST_CASE("VapSR x4, whole") { check_whole<zoo::vapsr_x4>(); }
TEST_CASE("VapSR-3x3 x2, whole") { check_whole<zoo::vapsr_3x3_x2>(); }
TEST_CASE("SuperCool C32 x4 with 16 blocks, whole") { check_whole<zoo::supercool<4, 32, 2, 16>>(); }
TEST_CASE("Real-ESRGAN's compact network, whole") { check_whole<zoo::realesr_compact<>>(); }
TEST_CASE("a photograph of 1000 columns through VapSR-S") {
    fovea_test::check_exactness_with<zoo::vapsr_s, cpu>(photograph, {}, fovea_test::large_parts);
}
TEST_CASE("a photograph of 1000 columns through SuperCool") {
    fovea_test::check_exactness_with<zoo::supercool<2, 32, 2, 16>, cpu>(photograph, {}, fovea_test::large_parts);
}
