#include "fovea/zoo/recognise.hpp"

#include "fovea/backend/reference/reference.hpp"
#include "fovea/zoo/critic.hpp"
#include "fovea/zoo/load.hpp"
#include "support/catch.hpp"
#include "support/errors.hpp"
#include "support/random_weights.hpp"

using namespace fovea;
using fovea_test::error_of;
using fovea_test::random_weights;

namespace {} // namespace

TEST_CASE("networks are recognised from their tensors") {
    using zoo::describe, zoo::recognise;
    CHECK(describe(recognise(random_weights<zoo::vapsr_s>())) ==
          "vapsr x4, 32 channels, hidden 64, 11 blocks, kernel 1, body groups 2, values [0,1]");
    CHECK(describe(recognise(random_weights<zoo::vapsr_x3>())) ==
          "vapsr x3, 48 channels, hidden 64, 20 blocks, kernel 1, body groups 1, values [0,1]");
    CHECK(describe(recognise(random_weights<zoo::vapsr_3x3_x2>())) ==
          "vapsr x2, 64 channels, hidden 48, 20 blocks, kernel 3, body groups 1, values [-1,1]");
    CHECK(describe(recognise(random_weights<zoo::supercool<8, 24, 4, 5>>())) ==
          "supercool x8, 24 channels, hidden 96, 5 blocks, bicubic skip, values [0,1]");
    CHECK(describe(recognise(random_weights<zoo::realesr_compact<>>())) ==
          "realesr_compact x4, 64 channels, 16 convolutions, values [0,1]");
#if !FOVEA_SANITIZED // its 20 million weights take a minute there
    CHECK(describe(recognise(random_weights<zoo::critic_small>())) == "critic, 16 blocks");
#endif
}

TEST_CASE("metadata says what tensors cannot") {
    auto file = random_weights<zoo::supercool<2, 16, 2, 1>>();
    file.metadata["base_upscaler"] = "bilinear";
    file.metadata["range"] = "[-1,1]";
    CHECK(zoo::recognise(file).filter == interpolation::bilinear);
    CHECK(zoo::recognise(file).range == value_range{-1, 1});
    file.metadata["base_upscaler"] = "lanczos";
    CHECK_THAT(error_of([&] { zoo::recognise(file); }),
               Catch::Contains("lanczos") && Catch::Contains("expected bicubic"));
}

TEST_CASE("every documented size of SuperCool can be loaded, at any depth") {
    CHECK(zoo::load<reference>(random_weights<zoo::supercool<2, 16, 1, 1>>()).scale() == 2);
    CHECK(zoo::load<reference>(random_weights<zoo::supercool<4, 24, 4, 3>>()).scale() == 4);
    CHECK(zoo::load<reference>(random_weights<zoo::supercool<8, 32, 2, 7>>()).scale() == 8);
}

TEST_CASE("files of other networks and sizes are refused with a reason") {
    CHECK_THAT(error_of([] { zoo::load<reference>(random_weights<sequential<conv<3, 4, 3>>>()); }),
               Catch::Contains("no known network"));
#if !FOVEA_SANITIZED
    CHECK_THAT(error_of([] { zoo::load<reference>(random_weights<zoo::critic_small>()); }),
               Catch::Contains("holds a critic"));
#endif
    CHECK_THAT(error_of([] { zoo::load<reference>(random_weights<zoo::supercool<2, 20, 1, 1>>()); }),
               Catch::Contains("supercool x2, 20 channels") && Catch::Contains("not among those built in"));
}

TEST_CASE("a file that does not fit names every tensor that differs") {
    auto file = random_weights<zoo::supercool<2, 16, 2, 2>>();
    tensor_file other;
    other.source = "net.pt";
    for (auto& t : file.tensors()) {
        if (t.name == "encoder.1.conv2.bias") continue;
        stored_tensor copy = t;
        if (t.name == "decoder.conv.bias") copy.shape = {6, 2, 1, 1};
        other.add(copy);
    }
    other.add(tensor_of("stray", {2}, std::vector<float>{1, 2}));
    const auto message = error_of([&] { zoo::load<reference>(other); });
    CHECK_THAT(message, Catch::Contains("net.pt"));
    CHECK_THAT(message, Catch::Contains("missing encoder.1.conv2.bias (16,1,1,1)"));
    CHECK_THAT(message, Catch::Contains("decoder.conv.bias is (6,2,1,1), expected (12,1,1,1)"));
    CHECK_THAT(message, Catch::Contains("unexpected stray (2)"));
}

TEST_CASE("a network is loaded by the path of its file") {
    const auto file = random_weights<zoo::supercool<2, 16, 2, 2>>();
    const auto path = std::filesystem::temp_directory_path() / "fovea_test_load.safetensors";
    write_safetensors(path, file);
    tensor<float> x(1, 6, 7, 3);
    std::fill_n(x.data(), x.size(), 0.5f);
    const auto by_path = zoo::load<reference>(path)(x.view()), by_tensors = zoo::load<reference>(file)(x.view());
    CHECK(std::equal(by_path.data(), by_path.data() + by_path.size(), by_tensors.data()));
    CHECK(zoo::load<reference>(path, {.precision = precision_kind::bfloat16}).precision() == precision_kind::bfloat16);
    std::filesystem::remove(path);
    CHECK_THAT(error_of([&] { zoo::load<reference>(path); }), Catch::Contains(path.string()));
}

TEST_CASE("options that contradict the file are an error that names the option") {
    const auto file = random_weights<zoo::supercool<2, 16, 2, 2>>(); // 2 blocks, values in [0,1], RGB
    const auto error_with = [&](const model_options& o) { return error_of([&] { zoo::load<reference>(file, o); }); };
    CHECK_THAT(error_with({.depth = {{"encoder", 3}}}), Catch::Contains("depth"));
    CHECK_THAT(error_with({.range = {-1, 1}}), Catch::Contains("range"));
    CHECK_THAT(error_with({.colours = colour_space::oklab}), Catch::Contains("colours"));
    CHECK(error_with({.depth = {{"encoder", 2}}}).empty());
}

TEST_CASE("weights that are not finite are refused by name") {
    auto file = random_weights<zoo::supercool<2, 16, 2, 1>>();
    tensor_file other;
    other.source = "net.pt";
    for (stored_tensor t : file.tensors()) {
        if (t.name == "input.bias") {
            auto values = to_floats(t);
            values[3] = std::numeric_limits<float>::quiet_NaN();
            t = tensor_of(t.name, t.shape, values);
        }
        other.add(t);
    }
    CHECK_THAT(error_of([&] { zoo::load<reference>(other); }),
               Catch::Contains("input.bias") && Catch::Contains("not finite"));
}

TEST_CASE("a weight-normed network takes weights that are already folded") {
    using net = zoo::supercool<2, 8, 2, 1>;
    const auto normed = random_weights<net>();
    tensor_file folded;
    for (auto& t : normed.tensors()) {
        if (t.name.ends_with("weight_g")) continue;
        if (!t.name.ends_with("weight_v")) {
            folded.add(t);
            continue;
        }
        auto v = to_floats(t);
        const auto g = to_floats(normed.at(t.name.substr(0, t.name.size() - 1) + "g"));
        const std::size_t each = v.size() / g.size();
        for (std::size_t o = 0; o < g.size(); ++o) {
            double square = 0;
            for (std::size_t i = 0; i < each; ++i) square += double(v[o * each + i]) * v[o * each + i];
            for (std::size_t i = 0; i < each; ++i)
                v[o * each + i] = float(v[o * each + i] * (g[o] / std::sqrt(square)));
        }
        folded.add(tensor_of(t.name.substr(0, t.name.size() - 2), t.shape, v));
    }
    const auto x = fovea_test::random_tensor(1, 9, 11, 3);
    // both fold in double and round once
    CHECK(fovea_test::distance(model<net, reference>(normed)(x.view()), model<net, reference>(folded)(x.view())) <
          1e-6);
}
