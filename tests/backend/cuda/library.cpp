// Convolutions that a device leaves to a library: what it is told of them, which they are, and the file of its plans.
#include <filesystem>
#include <fstream>

#include "fovea/backend/cuda/plan_file.hpp"
#include "fovea/zoo/supercool.hpp"
#include "support/layers.hpp"
#include "support/library_device.hpp"

using namespace fovea_test;

namespace {

using small_network = sum<sequential<conv<3, 20, 3, silu>, conv<20, 12, 3>, pixel_shuffle<2>>, upsample<2>>;
// Strides, less padding, dilation, groups, a skip, no bias; the last but one is clamped, the last two are depthwise.
using strides =
    sequential<conv<3, 8, 3, relu, conv_options{.stride = 2}>, conv<8, 12, 5, gelu, conv_options{.padding = 1}>,
               conv<12, 12, 3, identity, conv_options{.dilation = 2, .groups = 2}>,
               residual<conv<12, 12, 3, leaky_relu<1, 10>>>, conv<12, 6, 1, identity, conv_options{.bias = false}>,
               conv<6, 6, 3, unit_range>, depthwise<6, 3>>;

template <class Network, class Backend>
tensor<float> result(precision_kind p, tensor_view<const float> x, int side = 0) {
    model<Network, Backend> net(random_weights<Network>(), {.precision = p});
    return net(x, {.how = schedule{side, side + 2, 0}});
}

template <class Network> void check_described(int height, int width) {
    const auto x = random_tensor(2, height, width, 3);
    const auto exact = result<Network, engine_on_host>(precision_kind::float32, x.view());
    for (auto p : {precision_kind::tensor_float32, precision_kind::bfloat16, precision_kind::float16}) {
        INFO(name_of(p));
        const auto by_library = result<Network, engine_with_library>(p, x.view());
        // The loops round nothing to TF32. In 16 bits sums in another order move some numbers to the next.
        const double error = p == precision_kind::tensor_float32
                                 ? relative_error(exact, by_library)
                                 : relative_error(result<Network, engine_on_host>(p, x.view()), by_library);
        CHECK(error < (p == precision_kind::tensor_float32 ? 1e-6
                       : p == precision_kind::bfloat16     ? 1. / 512
                                                           : 1. / 4096));
        for (int side : {16, 9})
            CHECK(same_bits(result<Network, engine_with_library>(p, x.view(), side), by_library)); // of tiles
    }
}

struct folder_of_test { // and what it sets
    folder_of_test() {
        std::filesystem::remove_all(path);
        setenv("FOVEA_CACHE", path.c_str(), 1);
    }
    ~folder_of_test() {
        unsetenv("FOVEA_CACHE");
        std::filesystem::remove_all(path);
    }
    const std::filesystem::path path = std::filesystem::temp_directory_path() / "fovea_test_plans";
};

std::string text_in(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

TEST_CASE("library: convolutions are described as they are, whole and in tiles") {
    check_described<small_network>(19, 40);
    check_described<strides>(41, 30);
    check_described<strides>(7, 7);
}

TEST_CASE("library: dense convolutions go to it, and only where numbers are rounded") {
    const auto x = random_tensor(1, 20, 20, 3);
    const auto runs = [&](precision_kind p, convolution_method method = convolution_method::automatic) {
        model<strides, engine_with_library> net(random_weights<strides>(), {.convolution = method, .precision = p});
        looped_convolution::runs = 0;
        const auto first = net(x.view());
        const int all = looped_convolution::runs;
        for (int again = 2; again <= 3; ++again) { // recorded, replayed
            CHECK(same_bits(net(x.view()), first));
            CHECK(looped_convolution::runs == again * all);
        }
        return all;
    };
    CHECK(runs(precision_kind::float32) == 0);
    CHECK(runs(precision_kind::bfloat16) == 5);
    CHECK(runs(precision_kind::tensor_float32) == 5);
    CHECK(runs(precision_kind::bfloat16, convolution_method::direct) == 0);
    CHECK_THROWS_WITH(
        (model<strides, engine_on_host>(random_weights<strides>(), {.precision = precision_kind::tensor_float32})),
        Catch::Contains("tf32") && Catch::Contains("no cuDNN"));
}

TEST_CASE("library: what differs has another name") {
    const convolution_shape a{.batch = 1,
                              .height = 11,
                              .width = 12,
                              .inputs = 3,
                              .slope = 0.1f,
                              .x = {number_format::bfloat16, 36, 396, 4},
                              .y = {},
                              .skip = {},
                              .before = {}};
    convolution_shape b = a;
    CHECK(a.name() == b.name());
    b.slope = 0.2f;
    CHECK(a.name() != b.name());
    b = a, b.batch = 11, b.height = 1;
    CHECK(a.name() != b.name());
    b = a, b.x.alignment = 8;
    CHECK(a.name() != b.name());
    b = a, b.left = 1;
    CHECK(a.name() != b.name());
    for (auto pass : {convolution_pass::input_gradient, convolution_pass::weight_gradient}) {
        b = a, b.pass = pass;
        CHECK(a.name() != b.name());
    }
    for (auto role : {activation_role::kept, activation_role::differentiated}) {
        b = a, b.role = role;
        CHECK(a.name() != b.name());
    }
    b = a, b.before = a.x;
    CHECK(a.name() != b.name());
}

TEST_CASE("library: the formats of filters and of their gradients") {
    convolution_shape s;
    for (auto format : {number_format::float32, number_format::bfloat16, number_format::float16}) {
        s.x.format = format;
        for (auto pass : {convolution_pass::values, convolution_pass::input_gradient}) {
            s.pass = pass;
            CHECK(formats_of_filters(s) == std::vector{format});
        }
        s.pass = convolution_pass::weight_gradient;
        CHECK(formats_of_filters(s) ==
              (format == number_format::float32 ? std::vector{format} : std::vector{format, number_format::float32}));
    }
}

// Of rows that no output reads there is a gradient, too: zeros.
TEST_CASE("library: the gradient of an input is that of all its pixels") {
    std::vector<float> numbers(10 * 8 * 3);
    gradient_call g;
    g.a.kernel = 1, g.a.stride = 3;
    g.images = {0, 1};
    g.dx[0] = {.data = reinterpret_cast<std::byte*>(numbers.data()),
               .height = 9,
               .width = 8,
               .channels = 3,
               .columns = 8,
               .stored = 9,
               .row_stride = 24,
               .image_stride = 216};
    g.dy = g.dx[0], g.dy.height = g.dy.stored = 3, g.dy.width = 3;
    attributes forward = g.a;
    forward.method = convolution_method::library;
    const auto l = fovea::detail::input_gradient_for_library(g, forward, numbers.data());
    REQUIRE(l);
    CHECK(l->x == g.dx[0].data);
    CHECK((l->shape.height == 9 && l->shape.width == 8 && l->shape.out_height == 3 && l->shape.out_width == 3));
    CHECK((l->shape.top == 0 && l->shape.bottom == 0 && l->shape.left == 0 && l->shape.right == 0));
    CHECK((!l->shape.skips && l->shape.pass == convolution_pass::input_gradient));
    g.accumulates[0] = true;
    CHECK(fovea::detail::input_gradient_for_library(g, forward, numbers.data())->skip == l->x);
    g.dy.format = number_format::bfloat16;
    CHECK(!fovea::detail::input_gradient_for_library(g, forward, numbers.data()));
    g.dy.format = number_format::float32, forward.method = convolution_method::direct;
    CHECK(!fovea::detail::input_gradient_for_library(g, forward, numbers.data()));
}

TEST_CASE("library: tensors whose rows are not in order are not its") {
    std::vector<float> numbers(8 * 8 * 3);
    call c;
    c.a.kernel = 3;
    c.images = {0, 1}, c.rows = {4, 6}, c.cols = {1, 7};
    c.x[0] = {.data = reinterpret_cast<std::byte*>(numbers.data()),
              .height = 20,
              .width = 8,
              .channels = 3,
              .columns = 8,
              .stored = 4,
              .row_stride = 24,
              .image_stride = 96};
    c.y = c.x[0];
    CHECK(!library_convolution_of(c)); // rows 3 to 6 in a ring of 4: the first lies behind the others
    c.x[0].stored = 8;
    const auto l = library_convolution_of(c);
    REQUIRE(l);
    CHECK(l->x == c.x[0].data + 3 * 24 * 4);
    CHECK((l->shape.height == 4 && l->shape.top == 0 && l->shape.bottom == 0));
    CHECK((l->shape.width == 8 && l->shape.left == 0 && l->shape.right == 0));
    CHECK(l->shape.y.alignment == 4);
}

TEST_CASE("library: plans are kept in a file") {
    const plans_by_name plans{{"a", "one"}, {"b 2\n", std::string("\0two\n", 5)}, {"", ""}};
    const std::string text = plan_file_text(plans);
    REQUIRE(plans_in(text));
    CHECK(*plans_in(text) == plans);
    CHECK(plans_in(plan_file_text({})));
    for (std::size_t i = 0; i < text.size(); ++i) {
        std::string damaged = text;
        damaged[i] = char(damaged[i] ^ 4);
        CHECK(!plans_in(damaged));
        CHECK(!plans_in(text.substr(0, i)));
    }
    const std::string untrue = "9 9\nab";
    CHECK(!plans_in("fovea plans 1 " + fovea::detail::checksum_of(untrue) + "\n" + untrue));
}

TEST_CASE("library: a damaged file of plans is worth none, and is written again") {
    const folder_of_test folder;
    const auto file = cache_folder() / "x.plans";
    CHECK(cache_folder() == folder.path);
    std::vector<std::string> notices;
    const auto say = [&](const std::string& s) { notices.push_back(s); };
    {
        plan_file plans(file, say);
        plans.save(say);
        CHECK(!std::filesystem::exists(file)); // there was nothing to keep
        plans.keep("shape", "plan");
        plans.save(say);
    }
    {
        plan_file plans(file, say);
        REQUIRE(plans.find("shape"));
        CHECK(*plans.find("shape") == "plan");
        CHECK(plans.find("other") == nullptr);
    }
    CHECK(notices.empty());
    std::ofstream(file) << "fovea plans 1 nonsense";
    plan_file plans(file, say);
    REQUIRE(notices.size() == 1);
    CHECK_THAT(notices[0], Catch::Contains("x.plans: is damaged"));
    CHECK(plans.find("shape") == nullptr);
    plans.keep("shape", "better");
    plans.save(say);
    CHECK(plans_in(text_in(file)));
    CHECK(notices.size() == 1);

    plan_file nowhere(folder.path / "x.plans" / "y.plans", say); // below a file
    nowhere.keep("shape", "plan");
    nowhere.save(say);
    REQUIRE(notices.size() == 2);
    CHECK_THAT(notices[1], Catch::Contains("cannot write"));
}

TEST_CASE("library: where plans are kept") {
    const folder_of_test folder;
    setenv("FOVEA_CACHE", "", 1);
    CHECK(cache_folder().empty());
    plan_file none({}, [](const std::string& s) { FAIL(s); });
    none.keep("shape", "plan");
    none.save([](const std::string& s) { FAIL(s); });
    unsetenv("FOVEA_CACHE");
    setenv("XDG_CACHE_HOME", "/somewhere", 1);
    CHECK(cache_folder() == "/somewhere/fovea");
    unsetenv("XDG_CACHE_HOME");
    if (std::getenv("HOME")) CHECK(cache_folder() == std::filesystem::path(std::getenv("HOME")) / ".cache" / "fovea");
}
