// Images through a model: sample types, gray, alpha, progress, stopping, errors.
#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/model/model.hpp"
#include "fovea/zoo/critic.hpp"
#include "fovea/zoo/supercool.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/random_weights.hpp"

using namespace fovea;
using fovea_test::error_of;

namespace {

// Enlarges by repeating pixels: what comes out is known exactly.
struct repeated : maps<3, 3, ratio{2}> {
    template <class T, ratio S> static constexpr auto trace(T& t, value<3, S> x) {
        return upsample<2, nearest>::trace(t, x);
    }
};
using repeater = model<repeated, cpu>;
repeater make_repeater(value_range r = {}) { return repeater(tensor_file{}, {.range = r}); }

template <class T> image gradient(int height, int width, int channels) {
    image x(height, width, channels, sample_type_of<T>);
    random_stream random(5);
    for (int y = 0; y < height; ++y)
        for (T& v : x.row<T>(y)) v = std::is_same_v<T, float> ? T(random.uniform()) : T(random());
    return x;
}

template <class T> void check_repeats(int channels, value_range range) {
    const image x = gradient<T>(5, 7, channels);
    const image y = make_repeater(range)(x);
    REQUIRE((y.height() == 10 && y.width() == 14 && y.channels() == channels && y.type() == x.type()));
    for (int v = 0; v < 10; ++v)
        for (int u = 0; u < 14; ++u)
            for (int c = 0; c < channels; ++c)
                CHECK(double(y.row<T>(v)[std::size_t(u * channels + c)]) ==
                      Approx(double(x.row<T>(v / 2)[std::size_t(u / 2 * channels + c)])).margin(1e-6));
}

} // namespace

TEST_CASE("samples keep their type and value, in either range") {
    for (value_range r : {value_range{0, 1}, value_range{-1, 1}}) {
        check_repeats<std::uint8_t>(3, r), check_repeats<std::uint16_t>(3, r), check_repeats<float>(3, r);
        check_repeats<std::uint8_t>(1, r), check_repeats<std::uint16_t>(1, r);
    }
}

TEST_CASE("alpha is enlarged, and colours under it do not darken edges") {
    image x(8, 8, 4);
    for (int y = 0; y < 8; ++y)
        for (int u = 0; u < 8; ++u) {
            auto* pixel = x.row<std::uint8_t>(y).data() + 4 * u;
            const bool visible = u >= 4;
            pixel[0] = pixel[1] = pixel[2] = visible ? 200 : 0, pixel[3] = visible ? 255 : 0;
        }
    const image y = make_repeater()(x);
    REQUIRE(y.channels() == 4);
    for (int u = 0; u < 16; ++u) {
        const auto* pixel = y.row<std::uint8_t>(8).data() + 4 * u;
        CHECK(int(pixel[0]) == 200);
        if (u < 5) CHECK(int(pixel[3]) <= 40);
        if (u > 10) CHECK(int(pixel[3]) >= 215);
    }
}

TEST_CASE("progress rises to one; a stopped run gives nothing") {
    using net = zoo::supercool<2, 8, 1, 1>;
    model<net, cpu> m(fovea_test::random_weights<net>());
    const image x = gradient<std::uint8_t>(64, 64, 3);
    std::vector<double> seen;
    m(x, {.how = schedule{16, 16, 0}, .progress = [&](double done) { seen.push_back(done); }});
    REQUIRE(seen.size() == 16);
    CHECK(std::is_sorted(seen.begin(), seen.end()));
    CHECK(seen.back() == 1);

    stop_source stop;
    int calls = 0;
    const image y = m(x, {.how = schedule{16, 16, 0},
                          .progress =
                              [&](double) {
                                  if (++calls == 3) stop.request_stop();
                              },
                          .stop = stop.get_token()});
    CHECK(y.empty());
    CHECK(calls == 3);
    CHECK_FALSE(m(x).empty()); // and the model goes on working
}

TEST_CASE("what cannot be run is refused with a reason") {
    auto m = make_repeater();
    CHECK_THAT(error_of([&] { m(image{}); }), Catch::Contains("empty image"));
    CHECK_THAT(error_of([&] { m(fovea_test::random_tensor(1, 4, 4, 2).view()); }),
               Catch::Contains("2 channels") && Catch::Contains("expects 3"));
    CHECK_THAT(error_of([&] { m(gradient<std::uint8_t>(64, 64, 3), {.memory_budget = 100}); }),
               Catch::Contains("memory budget"));
    image nan(4, 4, 3, sample_type::f32);
    nan.row<float>(2)[5] = std::numeric_limits<float>::quiet_NaN();
    CHECK_THAT(error_of([&] { m(nan); }), Catch::Contains("not finite"));
    using to_one = sequential<conv<3, 1, 1>>;
    model<to_one, cpu> narrow(fovea_test::random_weights<to_one>());
    CHECK_THAT(error_of([&] { narrow(gradient<std::uint8_t>(4, 4, 3)); }), Catch::Contains("expected 3 and 3"));
}

TEST_CASE("a model can be moved") {
    auto a = make_repeater();
    const image x = gradient<std::uint8_t>(3, 3, 3), y = a(x);
    upscaler b = std::move(a);
    CHECK(b(x) == y);
}
