// Training with what is kept for the backward pass in 16 bits: gradients near those in float32, the same bits on any
// number of threads, less memory.
#include "fovea/fovea.hpp"
#include "support/catch.hpp"
#include "support/random_weights.hpp"

using namespace fovea;

namespace {

template <class Network> struct pass {
    tensor<float> y;
    std::vector<float> gradients;
    std::size_t bytes = 0;

    pass(precision_kind precision, int threads = 1) {
        context pool({.threads = threads});
        trainable<Network, cpu> net({.seed = 3, .threads = &pool, .precision = precision});
        const auto x = fovea_test::random_tensor(2, 37, 26, 3);
        const auto out = net.forward(x.view());
        y = tensor<float>(out.batch(), out.height(), out.width(), out.channels());
        std::copy_n(out.data(), y.size(), y.data());
        const tensor<float> target = fovea_test::random_tensor(y.batch(), y.height(), y.width(), y.channels(), 9);
        l2_loss{}(out, target.view(), net.output_gradient());
        net.backward();
        for (auto& p : net.parameters()) gradients.insert(gradients.end(), p.gradient, p.gradient + p.size());
        bytes = net.bytes();
    }
};

// `error`: of the gradients, as a share of their norm. A kept number is rounded by 2^-9 in bfloat16 and by 2^-12 in
// float16, of its own size; what is computed from it again, and sums with signs, make that a few times as much.
template <class Network> void check(double most_bytes, double error = 1. / 64) {
    const pass<Network> exact(precision_kind::float32);
    for (auto precision : {precision_kind::bfloat16, precision_kind::float16}) {
        INFO(name_of(precision));
        const pass<Network> half(precision), on_threads(precision, 3);
        CHECK(fovea_test::same_bits(half.y, exact.y)); // nothing is rounded on the way forward
        const double d = fovea_test::relative_length(half.gradients, exact.gradients);
        CHECK(d > 0);
        CHECK(d < (precision == precision_kind::bfloat16 ? error : error / 8));
        CHECK((half.gradients == on_threads.gradients));
        CHECK(double(half.bytes) < most_bytes * double(exact.bytes));
    }
}

using block = residual<conv<8, 16, 3, silu>, conv<16, 8, 3>>;
using pooled = sequential<conv<3, 8, 3>, batch_norm<8>, silu, max_pool<3, 2>, conv<8, 8, 3, relu>, conv<8, 3, 3>>;

} // namespace

TEST_CASE("values in 16 bits between forward and backward: SuperCool") { check<zoo::supercool<2, 16, 2, 6>>(0.75); }
TEST_CASE("values in 16 bits between forward and backward: VapSR") { check<zoo::vapsr_network<2, 32, 64, 2>>(0.8); }
TEST_CASE("values in 16 bits between forward and backward: blocks that are computed again") {
    check<sequential<conv<3, 8, 3>, repeat<4, checkpointed<block>>, conv<8, 12, 3>, pixel_shuffle<2>>>(1);
}
TEST_CASE("values in 16 bits between forward and backward: pooling, whose largest values stay as they are") {
    check<pooled>(1);
}

TEST_CASE("a precision that training does not have is refused") {
    using plain = conv<3, 3, 3>;
    CHECK_THROWS_WITH((trainable<plain, cpu>({.precision = precision_kind::int8})), Catch::Contains("precision int8"));
    CHECK_THROWS_WITH((trainable<plain, basic_reference<double>>({.precision = precision_kind::float16})),
                      Catch::Contains("expected float32"));
}
