// Images whose work is recorded and replayed beside the same ones where it is not: the same bits.
#pragma once
#include "fovea/zoo/supercool.hpp"
#include "support/layers.hpp"

namespace fovea_test {

// Images of sizes that come again, whole and in tiles; the larger ones move memory.
template <class Recorded, class Plain> void check_recorded_images() {
    using network = sequential<zoo::supercool<2, 8, 1, 2>, clamp_in_inference>;
    const auto weights = random_weights<network>();
    model<network, Recorded> net(weights);
    model<network, Plain> plain(weights);
    const auto check = [&](const tensor<float>& x, const run_options& o = {}) {
        CHECK(same_bits(net(x.view(), o), plain(x.view(), o)));
    };
    for (std::uint64_t seed = 1; seed < 9; ++seed) {
        check(random_tensor(1, 9, 7, 3, seed));
        check(random_tensor(2, 9, 7, 3, seed), {.how = schedule{4, 6, 0}});
        if (seed > 4) check(random_tensor(1, 19, 21, 3, seed), {.device_budget = 1 << 20});
        image in(9, 7, 3);
        random_stream random(seed);
        for (int y = 0; y < in.height(); ++y)
            for (auto& v : in.row<std::uint8_t>(y)) v = std::uint8_t(random.uniform() * 255);
        CHECK(net(in) == plain(in));
    }
}

} // namespace fovea_test
