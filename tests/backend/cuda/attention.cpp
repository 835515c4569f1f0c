// VapSR's attention branch as one kernel, on the host: its values, strips and pieces, and where it is used.
#include "support/attention.hpp"

#include "support/host_device.hpp"

using namespace fovea_test;

namespace {

struct limits_of { // the device, while it lives
    explicit limits_of(device_limits on) { host_device::pretended_limits = on; }
    ~limits_of() { host_device::pretended_limits = before; }
    const device_limits before = host_device::pretended_limits;
};

#if FOVEA_SANITIZED
constexpr int images = 1;
constexpr auto precisions = {precision_kind::bfloat16};
#else
constexpr int images = 2;
constexpr auto precisions = {precision_kind::bfloat16, precision_kind::float16};
#endif
constexpr std::size_t of_ada = 99 << 10, of_ampere = 163 << 10; // bytes that a block may have
using branch_network = attention_network<48, 64, 1>;

std::size_t operations_of(const model_options& o) {
    return model<branch_network, engine_on_host>(random_weights<branch_network>(), o).traced().operations.size();
}

} // namespace

TEST_CASE("attention branch: as its parts and the reference") { check_attention<engine_on_host>(); }

TEST_CASE("attention branch: a pixel's bits depend neither on tiles nor on strips, pieces and memory") {
    const auto weights = random_weights<branch_network>();
    const auto x = random_tensor(images, 45, 53, 3);
    for (auto precision : precisions) {
        model<branch_network, engine_on_host> net(weights, {.precision = precision});
        const auto whole = net(x.view());
        REQUIRE(distance(whole, whole) == 0); // finite
        for (int side : {16, 33}) CHECK(same_bits(net(x.view(), {.how = schedule{side, side + 5, 0}}), whole));
        for (device_limits on : {device_limits{1, of_ampere}, {40, of_ampere}, {4, of_ada}}) {
            const limits_of device(on);
            CHECK(same_bits(net(x.view()), whole));
        }
        model<branch_network, device_on_host> by_executor(weights, {.precision = precision}); // rings of rows
        CHECK(same_bits(by_executor(x.view()), whole));
        CHECK(same_bits(by_executor(x.view(), {.how = schedule{0, 24, 5}}), whole));
    }
}

TEST_CASE("attention branch: every strip and piece is a block") {
    using wide = attention_branch_kernel<48, 64, number_format::bfloat16, 24, 4>;
    static_assert(sizeof(wide::shared) <= of_ampere);
    static_assert(sizeof(attention_branch_kernel<48, 64, number_format::bfloat16, 12, 2>::shared) <= of_ada);
    call c;
    c.images = {0, 2}, c.rows = {0, 540}, c.cols = {0, 960};
    const auto blocks = [&](int multiprocessors) { return wide(c, {multiprocessors, of_ampere}).blocks(); };
    CHECK(blocks(1) == 80);       // strips from top to bottom: nothing is computed twice
    CHECK(blocks(132) % 80 == 0); // of 132 that run at once none, or few, wait for the others
    CHECK(blocks(132) > 132);
    c.rows = {0, 1}, c.cols = {0, 1};
    CHECK(blocks(132) == 2);
}

TEST_CASE("attention branch: only in 16 bits, where the device has the memory, and not beside own convolutions") {
    constexpr std::size_t parts = 8, fused = 4; // three convolutions and what is between them
    CHECK(operations_of({}) == parts);
    CHECK(operations_of({.precision = precision_kind::bfloat16}) == fused);
    CHECK(operations_of({.convolution = convolution_method::direct, .precision = precision_kind::bfloat16}) == parts);
    const limits_of small({4, 48 << 10});
    CHECK(operations_of({.precision = precision_kind::bfloat16}) == parts);
    CHECK(operations_of({.precision = precision_kind::float16}) == parts);
}

TEST_CASE("attention branch: a network that is cut within it, and what layers give elsewhere") {
    graph g = fovea::detail::trace_network<branch_network, device_on_host, inference>({});
    REQUIRE(g.fusions.size() == 1);
    graph whole = g;
    REQUIRE(truncate(g, "1.atten_branch"));
    CHECK(g.fusions.empty());
    lower_for_training(whole, precision_kind::bfloat16);
    CHECK(whole.tensors.size() == whole.operations.size() + 1);
    for (std::size_t i = 0; i < whole.operations.size(); ++i) CHECK(whole.operations[i].y == int(i) + 1);
    CHECK(result_of(whole, "1.proj_2") == -1);
    CHECK(result_of(whole, "1.proj_1") == 2);
    CHECK(result_of(whole, "1") == 3);
    CHECK(extents_of(whole, {5, 7}).back() == extent{5, 7});
}
