// Every layer on a GPU against the reference backend; tiles; images.
#include "fovea/engine/cuda/cuda.cuh"
#include "support/attention.hpp"
#include "support/gpu.cuh"
#include "support/layers.hpp"
#include "support/recorded_images.hpp"

using namespace fovea_test;

namespace {

struct upscales_unrecorded : on_device<cuda_device> {};

std::unique_ptr<engine> make_engine(upscales_unrecorded, const graph& g, const weight_store& w) {
    return std::make_unique<device_engine<upscales_unrecorded>>(g, w, std::make_unique<cuda_device>(0, false));
}

} // namespace

TEST_CASE("layers on a GPU") {
    FOVEA_NEEDS_GPU();
    check_convolutions<cuda>();
    check_depthwise<cuda>();
    check_activations<cuda>();
    check_own_activation<cuda>();
    check_sizes<cuda>();
    check_branches<cuda>();
    check_vapsr_blocks<cuda>();
}

// Every operation in every precision: numbers are off by a rounding here and there, of what is kept and of what is
// multiplied; of some hundred products that adds up to a few of them.
TEST_CASE("networks on a GPU in every precision") {
    FOVEA_NEEDS_GPU();
    using layers = sequential<conv<3, 64, 3, silu>, conv<64, 32, 5, leaky_relu<1, 10>, conv_options{.groups = 2}>,
                              residual<conv<32, 48, 3, gelu>, conv<48, 32, 1>>, depthwise<32, 5, identity, 3>,
                              layer_norm<32>, product<pass, conv<32, 32, 1>>, concat<pass, conv<32, 17, 3>>, prelu<49>,
                              conv<49, 40, 3, relu, conv_options{.stride = 2}>, max_pool<3, 2>, upsample<2>,
                              conv<40, 12, 3, unit_range>, pixel_shuffle<2>>;
    const auto weights = random_weights<layers>();
    model<layers, reference> plain(weights);
    const std::pair<precision_kind, double> roundings[] = {{precision_kind::tensor_float32, 1. / 2048},
                                                           {precision_kind::bfloat16, 1. / 512},
                                                           {precision_kind::float16, 1. / 4096}};
    for (auto [precision, rounding] : roundings) {
        INFO(name_of(precision));
        if (precision == precision_kind::tensor_float32 && !FOVEA_WITH_CUDNN) continue;
        for (auto method : {convolution_method::automatic, convolution_method::direct}) { // cuDNN's, fovea's own
            model<layers, cuda> net(weights, {.convolution = method, .precision = precision});
            for (auto [height, width] : {std::pair{13, 19}, {70, 53}, {1, 1}}) {
                const auto x = random_tensor(2, height, width, 3);
                const auto expected = plain(x.view()), whole = net(x.view());
                CHECK(relative_error(expected, whole) < 10 * rounding);
                CHECK(relative_error(whole, net(x.view(), {.how = schedule{16, 24, 0}})) < 10 * rounding);
            }
        }
    }
}

TEST_CASE("images on a GPU in 16 bits") {
    FOVEA_NEEDS_GPU();
    using network = zoo::vapsr_network<2, 48, 64, 3>;
    const auto weights = random_weights<network>();
    const auto x = random_tensor(1, 90, 120, 3);
    const auto exact = model<network, cuda>(weights)(x.view());
    for (auto [precision, rounding] :
         {std::pair{precision_kind::bfloat16, 1. / 512}, {precision_kind::float16, 1. / 4096}}) {
        const double error = relative_error(exact, model<network, cuda>(weights, {.precision = precision})(x.view()));
        CHECK(error > rounding / 20);
        CHECK(error < 10 * rounding);
    }
}

// Its tensor cores are what the host's loops stand in for elsewhere.
TEST_CASE("VapSR's attention branch as one kernel on a GPU") {
    FOVEA_NEEDS_GPU();
    check_attention<cuda>();
    using network = attention_network<48, 64, 1>;
    const auto x = random_tensor(2, 190, 211, 3);
    for (auto precision : {precision_kind::bfloat16, precision_kind::float16}) {
        model<network, cuda> net(random_weights<network>(), {.precision = precision});
        const auto whole = net(x.view());
        for (int side : {64, 33}) {
            const auto tiled = net(x.view(), {.how = schedule{side, side + 5, 0}});
            // The branch gives the same bits; cuDNN's convolutions beside it may have another engine for a tile.
            CHECK(relative_error(whole, tiled) < 2 * rounding_of(precision));
            if (!FOVEA_WITH_CUDNN) CHECK(same_bits(whole, tiled));
        }
    }
}

TEST_CASE("tiles on a GPU give the bits of the whole image") {
    FOVEA_NEEDS_GPU();
    using network = sequential<zoo::vapsr_network<2, 16, 24, 2>, clamp_in_inference>;
    model<network, cuda> net(random_weights<network>());
    const auto x = random_tensor(2, 70, 53, 3);
    const auto whole = net(x.view());
    REQUIRE(distance(whole, whole) == 0); // finite
    for (int side : {16, 33}) CHECK(same_bits(net(x.view(), {.how = schedule{side, side, 0}}), whole));
    CHECK(same_bits(net(x.view(), {.device_budget = 3000000}), whole));
}

TEST_CASE("images on a GPU as graphs give the bits of single kernels") {
    FOVEA_NEEDS_GPU();
    check_recorded_images<cuda, upscales_unrecorded>();
}

TEST_CASE("images on a GPU at once give what they give one by one") {
    FOVEA_NEEDS_GPU();
    check_images_at_once<cuda, upscales_unrecorded>();
}

TEST_CASE("images on a GPU") {
    FOVEA_NEEDS_GPU();
    using network = sum<sequential<conv<3, 20, 3, silu>, conv<20, 12, 3>, pixel_shuffle<2>>, upsample<2>>;
    const auto weights = random_weights<network>();
    model<network, cuda> net(weights);
    model<network, reference> plain(weights);
    random_stream random(11);
    for (int channels : {1, 3, 4}) {
        image in(45, 64, channels);
        for (int y = 0; y < in.height(); ++y)
            for (auto& v : in.row<std::uint8_t>(y)) v = std::uint8_t(random.uniform() * 255);
        const image out = net(in), expected = plain(in);
        int worst = 0;
        for (int y = 0; y < out.height(); ++y)
            for (std::size_t i = 0; i < out.row<std::uint8_t>(y).size(); ++i)
                worst = std::max(worst, std::abs(out.row<std::uint8_t>(y)[i] - expected.row<std::uint8_t>(y)[i]));
        CHECK(worst <= 1); // a value on the edge between two bytes may fall to either side
    }
}
