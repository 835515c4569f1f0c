// Images whose work is recorded and replayed, or goes on beside copies, beside the same ones where it does not: the
// same bits.
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

// Images of some sizes in two parts, whole and in tiles; what was submitted is overwritten at once.
template <class Recorded, class Plain> void check_images_at_once() {
    using network = sequential<zoo::supercool<2, 8, 1, 2>, clamp_in_inference>;
    const auto weights = random_weights<network>();
    const extent sizes[] = {{21, 34}, {21, 34}, {40, 33}, {9, 9}, {21, 34}, {50, 60}, {21, 34}};
    std::vector<image> in, expected;
    model<network, Plain> one_by_one(weights);
    random_stream random(3);
    for (extent e : sizes) {
        image& i = in.emplace_back(e.height, e.width, in.size() % 2 ? 4 : 3);
        for (int y = 0; y < i.height(); ++y)
            for (auto& v : i.row<std::uint8_t>(y)) v = std::uint8_t(random.uniform() * 255);
        expected.push_back(one_by_one(i));
    }
    for (const run_options& o : {run_options{}, run_options{.how = schedule{8, 16, 0}}}) {
        model<network, Recorded> net(weights);
        for (std::size_t i = 0; i < in.size(); ++i) {
            image gone = in[i];
            net.submit(gone, o);
            for (int y = 0; y < gone.height(); ++y) std::ranges::fill(gone.row<std::uint8_t>(y), std::uint8_t(0));
            if (i > 0) CHECK(net.result() == expected[i - 1]);
        }
        CHECK(net.result() == expected.back());
        CHECK(net(in[0]) == expected[0]);
    }
}

} // namespace fovea_test
