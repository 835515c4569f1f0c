// The engine of a GPU on a device that is the host: the same values as by the host's executor, images, tiles, memory.
#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/zoo/supercool.hpp"
#include "support/errors.hpp"
#include "support/host_device.hpp"
#include "support/layers.hpp"
#include "support/recorded_images.hpp"

using namespace fovea_test;

namespace {

using small_network = sum<sequential<conv<3, 20, 3, silu>, conv<20, 12, 3>, pixel_shuffle<2>>, upsample<2>>;
using clamped = sequential<small_network, clamp_in_inference>;

// Each tensor by the executor with the GPU's kernels, and by the engine.
template <class Network>
void check_same(std::initializer_list<extent> sizes, precision_kind precision = precision_kind::float32) {
    const auto weights = random_weights<Network>();
    model<Network, device_on_host> by_executor(weights, {.precision = precision});
    model<Network, engine_on_host> by_engine(weights, {.precision = precision});
    for (extent size : sizes) {
        INFO(size.width << "x" << size.height);
        const auto x = random_tensor(2, size.height, size.width, Network::in_channels);
        const auto expected = by_executor(x.view());
        CHECK(same_bits(by_engine(x.view()), expected));
        for (int side : {16, 9}) CHECK(same_bits(by_engine(x.view(), {.how = schedule{side, side + 2, 0}}), expected));
    }
}

template <class T> image random_image(int height, int width, int channels) {
    image in(height, width, channels, sample_type_of<T>);
    random_stream random(11);
    for (int y = 0; y < height; ++y)
        for (T& v : in.row<T>(y)) v = T(random.uniform() * white_of(sample_type_of<T>));
    return in;
}

struct differences { // of samples
    double largest = 0, mean = 0;
};
template <class T> differences between(const image& a, const image& b) {
    REQUIRE((a.height() == b.height() && a.width() == b.width() && a.channels() == b.channels()));
    differences d;
    const double samples = double(a.height()) * a.width() * a.channels();
    for (int y = 0; y < a.height(); ++y)
        for (std::size_t i = 0; i < a.row<T>(y).size(); ++i) {
            const double here = std::abs(double(a.row<T>(y)[i]) - double(b.row<T>(y)[i]));
            d.largest = std::max(d.largest, here), d.mean += here / samples;
        }
    return d;
}

struct memory_of { // the devices that are made while it lives
    explicit memory_of(std::size_t bytes, std::size_t pretended = 0) {
        host_device::memory = bytes, host_device::pretended = pretended;
    }
    ~memory_of() { host_device::memory = std::size_t{1} << 40, host_device::pretended = 0; }
};

} // namespace

TEST_CASE("engine: every layer") {
    check_convolutions<engine_on_host>();
    check_depthwise<engine_on_host>();
    check_activations<engine_on_host>();
    check_own_activation<engine_on_host>();
    check_sizes<engine_on_host>();
    check_branches<engine_on_host>();
}

TEST_CASE("engine: the same bits as the executor's, whole and in tiles") {
    check_same<clamped>({{19, 40}, {1, 1}, {33, 7}});
    check_same<zoo::vapsr_network<2, 16, 24, 2>>({{23, 31}});
    check_same<zoo::supercool<4, 16, 2, 2>>({{17, 30}});
    check_same<conv<3, 5, 3>>({{9, 20}});                                      // no last pass but the samples'
    check_same<sequential<conv<3, 12, 1>, pixel_shuffle<2>, silu>>({{9, 20}}); // that begins with the shuffle
    using widened = conv<3, 5, 1>;
    check_same<sequential<widened, sum<silu, product<pass, relu>>>>({{9, 20}}); // not all of it in one pass
    check_same<sequential<widened, repeat<12, leaky_relu<1, 10>>>>({{9, 20}});  // more steps than a pass has
    check_same<sequential<conv<3, 3, 1>, upsample<2>, silu>>({{5, 8}});
}

TEST_CASE("engine: in 16 bits the same bits as the executor's") {
    for (auto precision : {precision_kind::bfloat16, precision_kind::float16}) {
        check_same<clamped>({{19, 40}, {1, 1}}, precision);
        check_same<zoo::vapsr_network<2, 16, 24, 2>>({{23, 31}}, precision);
    }
}

#if !FOVEA_SANITIZED // many runs, for a number
TEST_CASE("engine: in 16 bits half the memory") {
    const auto weights = random_weights<zoo::vapsr_network<2, 16, 24, 2>>();
    const auto x = random_tensor(1, 40, 50, 3);
    const auto least_budget = [&](precision_kind precision) { // for the whole image
        model<zoo::vapsr_network<2, 16, 24, 2>, engine_on_host> net(weights, {.precision = precision});
        std::size_t bytes = 1 << 20, too_few = 0;
        while (bytes - too_few > 1 << 14) {
            const std::size_t some = (bytes + too_few) / 2;
            int parts = 0;
            try {
                net(x.view(), {.device_budget = some, .progress = [&](double) { ++parts; }});
            } catch (const error&) { // not even for the smallest tile
            }
            (parts == 1 ? bytes : too_few) = some;
        }
        return double(bytes);
    };
    const double share = least_budget(precision_kind::bfloat16) / least_budget(precision_kind::float32);
    CHECK(share > 0.4); // the image, the last convolution's result and masks of bytes stay as they are
    CHECK(share < 0.65);
}
#endif

TEST_CASE("engine: 16 bits are close to float32, and not the same") {
    using network = zoo::vapsr_network<2, 16, 24, 2>;
    const auto weights = random_weights<network>();
    const auto x = random_tensor(1, 40, 50, 3);
    const auto result = [&](precision_kind p) {
        return model<network, engine_on_host>(weights, {.precision = p})(x.view());
    };
    const auto exact = result(precision_kind::float32);
    // As tests/model/half_storage.cpp: roundings of 2^-9 and 2^-12, some behind one another; here of weights, too.
    for (auto [precision, rounding] :
         {std::pair{precision_kind::bfloat16, 1. / 512}, {precision_kind::float16, 1. / 4096}}) {
        const double error = relative_error(exact, result(precision));
        CHECK(error > rounding / 20);
        CHECK(error < 6 * rounding);
    }
}

TEST_CASE("engine: the last operations are one kernel") {
    const auto weights = random_weights<clamped>();
    model<clamped, engine_on_host> net(weights);
    const int before = host_device::launches;
    net(random_tensor(1, 8, 8, 3).view());
    CHECK(host_device::launches - before == 4); // samples, two convolutions, the rest
}

TEST_CASE("engine: images of every kind as on the cpu") {
    const auto weights = random_weights<clamped>();
    const model_options o{.range = {-1, 1}};
    model<clamped, cpu> on_cpu(weights, o);
    model<clamped, engine_on_host> net(weights, o);
    for (int channels : {1, 2, 3, 4}) {
        INFO(channels << " channels");
        // Rounding in another order moves a value on the edge between two samples to either side: by one of 8 bits;
        // of 16 by as much as a few rounding errors of float32 are there. That is rare, with errors of 1e-6 one sample
        // of some thousand in 8 bits and one of ten in 16; cut off instead of rounded, every second one would differ.
        const auto bytes = random_image<std::uint8_t>(21, 34, channels);
        const auto of_8_bits = between<std::uint8_t>(net(bytes), on_cpu(bytes));
        CHECK(of_8_bits.largest <= 1);
        CHECK(of_8_bits.mean < 0.01);
        const auto shorts = random_image<std::uint16_t>(21, 34, channels);
        const auto of_16_bits = between<std::uint16_t>(net(shorts), on_cpu(shorts));
        CHECK(of_16_bits.largest <= 2);
        CHECK(of_16_bits.mean < 0.2);
        const auto floats = random_image<float>(21, 34, channels);
        CHECK(between<float>(net(floats), on_cpu(floats)).largest < 1e-5);
    }
    const auto bytes = random_image<std::uint8_t>(21, 34, 3);
    CHECK(net(bytes, {.how = schedule{8, 16, 0}}) == net(bytes));
}

TEST_CASE("engine: images in other colours than RGB as on the cpu") {
    const auto weights = random_weights<small_network>();
    for (colour_space colours : {colour_space::yuv, colour_space::oklab}) {
        const model_options o{.range = {-1, 1}, .colours = colours};
        model<small_network, cpu> on_cpu(weights, o);
        model<small_network, engine_on_host> net(weights, o);
        for (int channels : {1, 3, 4}) {
            INFO(fovea::name_of(colours) << ", " << channels << " channels");
            const auto bytes = random_image<std::uint8_t>(21, 34, channels);
            const auto of_8_bits = between<std::uint8_t>(net(bytes), on_cpu(bytes));
            CHECK(of_8_bits.largest <= 1);
            CHECK(of_8_bits.mean < 0.01);
            // Cubes of numbers up to 4 and the steep end of the sRGB curve enlarge rounding errors of 1e-6.
            const auto floats = random_image<float>(21, 34, channels);
            CHECK(between<float>(net(floats), on_cpu(floats)).largest < 1e-3);
        }
        auto in = random_image<float>(9, 9, 3);
        in.row<float>(4)[5] = std::numeric_limits<float>::quiet_NaN();
        CHECK_THROWS_WITH(net(in), Catch::Contains("not finite"));
    }
}

TEST_CASE("engine: tiles as small as the memory needs, and the same bits") {
    const auto weights = random_weights<clamped>();
    const auto x = random_tensor(1, 90, 70, 3);
    model<clamped, engine_on_host> roomy(weights);
    const auto expected = roomy(x.view());
    int parts = 0;
    const std::function<void(double)> count = [&](double) { ++parts; };
    roomy(x.view(), {.progress = count});
    CHECK(parts == 1);
    parts = 0;
    CHECK(same_bits(roomy(x.view(), {.device_budget = 200000, .progress = count}), expected));
    CHECK(parts > 1);

    const memory_of little(700000, 1 << 30); // so that the arena is refused
    model<clamped, engine_on_host> tight(weights);
    std::vector<std::string> notices;
    CHECK(same_bits(tight(x.view(), {.notice = [&](const std::string& s) { notices.push_back(s); }}), expected));
    REQUIRE(!notices.empty());
    CHECK(notices[0].find("smaller tiles") != std::string::npos);
}

TEST_CASE("engine: images at once give what they give one by one, whenever copies run") {
    check_images_at_once<engine_on_host, engine_unrecorded>();
    const copies_are_eager eager;
    check_images_at_once<engine_on_host, engine_unrecorded>();
}

TEST_CASE("engine: one more image than fits, and results that nobody asks for") {
    const auto weights = random_weights<clamped>();
    const auto in = random_image<std::uint8_t>(9, 9, 3);
    model<clamped, engine_on_host> net(weights);
    model<clamped, cpu> on_cpu(weights);
    for (upscaler* u : {static_cast<upscaler*>(&net), static_cast<upscaler*>(&on_cpu)}) {
        CHECK_THROWS_WITH(u->result(), Catch::Contains("submitted before"));
        u->submit(in), u->submit(in);
        CHECK_THROWS_WITH(u->submit(in), Catch::Contains("more than 2 images at once"));
        CHECK_THROWS_WITH((*u)(in), Catch::Contains("under way"));
        CHECK(u->result() == u->result());
        CHECK(u->submitted() == 0);
    }
    auto bad = random_image<float>(9, 9, 3);
    bad.row<float>(4)[5] = std::numeric_limits<float>::quiet_NaN();
    net.submit(bad), net.submit(in);
    CHECK_THROWS_WITH(net.result(), Catch::Contains("not finite"));
    const image after = net.result();
    CHECK(after == net(in));
    net.submit(in); // and gone
}

TEST_CASE("engine: what does not fit or cannot be is said in one line") {
    const auto weights = random_weights<clamped>();
    const auto x = random_tensor(1, 90, 70, 3);
    model<clamped, engine_on_host> net(weights);
    CHECK_THROWS_WITH(net(x.view(), {.device_budget = 1000}),
                      Catch::Contains("70x90 needs at least") && Catch::Contains("got 0 MB"));
    CHECK_THROWS_WITH(net(x.view(), {.observe = [](const operation&, const call&) {}}), Catch::Contains("observed"));
    CHECK_THROWS_WITH((model<clamped, engine_on_host>(weights, {.precision = precision_kind::int8})),
                      Catch::Contains("int8") && Catch::Contains("on a GPU"));
    CHECK_THROWS_WITH((model<clamped, cpu>(weights, {.precision = precision_kind::tensor_float32})),
                      Catch::Contains("tf32") && Catch::Contains("expected a GPU"));
    {
        const memory_of none(1000);
        CHECK_THROWS_WITH((model<clamped, engine_on_host>(weights)), Catch::Contains("for weights"));
    }
    auto in = random_image<float>(9, 9, 3);
    in.row<float>(4)[5] = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_WITH(net(in), Catch::Contains("not finite"));
    CHECK_NOTHROW(net(random_image<float>(9, 9, 3))); // the next one is
}

TEST_CASE("engine: a run that is asked to stop gives nothing") {
    model<clamped, engine_on_host> net(random_weights<clamped>());
    stop_source source;
    const auto x = random_image<std::uint8_t>(60, 60, 3);
    const image out = net(x, {.how = schedule{16, 16, 0},
                              .progress =
                                  [&](double part) {
                                      if (part > 0.3) source.request_stop();
                                  },
                              .stop = source.get_token()});
    CHECK(out.empty());
}
