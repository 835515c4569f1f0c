#include "fovea/io/weights/read_weights.hpp"

#include <map>

#include "fovea/io/weights/try_read_weights.hpp"
#include "io/support.hpp"
#include "support/data.hpp"

using namespace fovea;
using fovea_test::contains;
using fovea_test::error_of;
using fovea_test::same;
using fovea_test::vector_file;

namespace {

stored_tensor number(const std::string& name, float value) { return tensor_of(name, {1}, std::span(&value, 1)); }

tensor_file file_of(std::initializer_list<const char*> names) {
    tensor_file file;
    file.source = "w.pt";
    float value = 0;
    for (const char* name : names) file.add(number(name, value++));
    return file;
}

std::vector<std::string> names_of(const tensor_file& file) {
    std::vector<std::string> names;
    for (const auto& tensor : file.tensors()) names.push_back(tensor.name);
    return names;
}

std::int64_t parameters(const tensor_file& file) {
    std::int64_t count = 0;
    for (const auto& tensor : file.tensors())
        if (tensor.name.find('/') == std::string::npos) count += tensor.size();
    return count;
}

using names = std::vector<std::string>;

} // namespace

TEST_CASE("weights: averaged before last, a part before the whole, the rest under its own name") {
    CHECK(names_of(weights_of(file_of({"params/a", "params_ema/a"}))) == names{"params/a", "a"});
    CHECK(names_of(weights_of(file_of({"model/a", "critic/a", "optimizer/state/0/a"}))) ==
          names{"a", "critic/a", "optimizer/state/0/a"});
    CHECK(names_of(weights_of(file_of({"state_dict/a", "b"}))) == names{"a", "./b"});
    CHECK(names_of(weights_of(file_of({"a", "b.c"}))) == names{"a", "b.c"});
    CHECK(names_of(weights_of(file_of({"model/a", "critic/b"}), "critic")) == names{"model/a", "b"});
    CHECK(contains(error_of([] { weights_of(file_of({"a"}), "critic"); }), "w.pt: has no dictionary critic"));
    CHECK(contains(error_of([] { weights_of(file_of({"optimizer/a"})); }), "w.pt: holds no weights of a network"));
}

TEST_CASE("weights: averages of a trainer's checkpoint before its last weights, which buffers have alone") {
    const auto file = file_of({"a", "b.running_mean", "optimizer/m/a", "average/a", "critic/average/a", "critic/a"});
    const auto weights = weights_of(file);
    CHECK(names_of(weights) == names{"last/a", "b.running_mean", "optimizer/m/a", "a", "critic/average/a", "critic/a"});
    CHECK(to_floats(weights.at("a")) == std::vector{3.f});
    CHECK(to_floats(weights.at("last/a")) == std::vector{0.f});
    CHECK(names_of(weights_of(file_of({"model/a", "average/a"}))) == names{"model/a", "a"});
}

TEST_CASE("weights: prefixes of compiled and parallel models go") {
    CHECK(names_of(weights_of(file_of({"model/_orig_mod.a", "model/_orig_mod.b.c"}))) == names{"a", "b.c"});
    CHECK(names_of(weights_of(file_of({"module.a", "module._orig_mod.b"}))) == names{"a", "b"});
    CHECK(names_of(weights_of(file_of({"module.a", "b"}))) == names{"module.a", "b"});
    CHECK(contains(error_of([] { weights_of(file_of({"a", "_orig_mod.a"})); }), "w.pt: tensor a appears twice"));
}

TEST_CASE("weights: both spellings of weight normalisation") {
    CHECK(names_of(weights_of(file_of({"c.parametrizations.weight.original0", "c.parametrizations.weight.original1",
                                       "c.bias"}))) == names{"c.weight_g", "c.weight_v", "c.bias"});
    CHECK(names_of(weights_of(file_of({"c.weight_g", "c.weight_v"}))) == names{"c.weight_g", "c.weight_v"});
}

TEST_CASE("weights: of a checkpoint, its other parts still there") {
    const auto file = weights_of(read_tensor_file(vector_file("small.pt")));
    CHECK(file.at("input.weight_g").shape == std::vector<std::int64_t>{3, 1, 1, 1});
    CHECK(file.at("input.weight_v").shape == std::vector<std::int64_t>{3, 2, 1, 1});
    CHECK(file.find("optimizer/state/0/exp_avg"));
    CHECK(file.integer("model_args.num_channels") == 64);
    CHECK(weights_of(read_tensor_file(vector_file("small.pt")), "critic").find("linear.weight"));
}

TEST_CASE("weights: errors as values") {
    const auto bad = try_read_weights(vector_file("cycle.pt"));
    CHECK(!bad);
    CHECK(contains(bad.error(), "cycle.pt: nests deeper than"));
    CHECK(error_of([&] { static_cast<void>(bad.value()); }) == bad.error());
    const auto good = try_read_weights(vector_file("small.pt"));
    REQUIRE(good.has_value());
    CHECK(good.error().empty());
    CHECK(good->find("input.weight_g"));
    CHECK(contains(try_weights_of(*good, "absent").error(), "has no dictionary absent with tensors: it has "));
    CHECK(contains(try_read_tensor_bytes({}, "empty").error(), "empty: is not a weight file"));
    CHECK(contains(try_read_tensor_file(vector_file("absent.pt")).error(), "absent.pt"));
}

TEST_CASE("weights: published files hold the published numbers of parameters") {
    FOVEA_NEEDS_DATA(folder, "weights");
    const std::map<std::string, std::int64_t> counts = { // spec: the papers' tables
        {"VapSR/VapSR-S.pth", 154956},
        {"VapSR/VapSR_X2.pth", 329236},
        {"VapSR/VapSR_X4.pth", 342220},
        {"catid_upsampling/upsampling.pth", 793252},
        {"lpips_squeeze_backbone/squeeze.backbone.pth", 722496},
        {"lpips_v0.1/alex.pth", 1152},
        {"lpips_v0.1/squeeze.pth", 2240},
        {"lpips_v0.1/vgg.pth", 1472},
#if FOVEA_WITH_ZLIB
        {"realesr-animevideov3_pth/realesr-animevideov3.pth", 621424},
#endif
    };
    for (const auto& [name, count] : counts) {
        INFO(name);
        CHECK(parameters(weights_of(read_tensor_file(folder / name))) == count);
    }
    const auto vapsr = weights_of(read_tensor_file(folder / "VapSR/VapSR-S.pth"));
    CHECK(vapsr.at("conv_first.weight").shape == std::vector<std::int64_t>{32, 3, 3, 3});
    CHECK(vapsr.at("body.10.atten_branch.depthwise_dilated.weight").shape == std::vector<std::int64_t>{64, 1, 5, 5});
    CHECK(weights_of(read_tensor_file(folder / "catid_upsampling/upsampling.pth")).at("conv_first.weight").type ==
          dtype::f16);
}

TEST_CASE("weights: published files hold the elements that PyTorch reads") {
    FOVEA_NEEDS_DATA(folder, "weights");
    std::map<std::string, tensor_file> files;
    for (const auto& expected : fovea_test::published_elements) {
        const std::string name = expected.file;
        if (!FOVEA_WITH_ZLIB && contains(name, "realesr")) continue;
        const auto [file, is_new] = files.try_emplace(name);
        if (is_new) file->second = read_tensor_file(folder.parent_path() / name);
        INFO(name << ' ' << expected.tensor);
        CHECK(same(to_floats(file->second.at(expected.tensor)).at(expected.index), expected.value));
    }
}

TEST_CASE("weights: SuperCool's checkpoints say their settings") {
    FOVEA_NEEDS_DATA(folder, "weights/supercool_random");
    const auto file = weights_of(read_tensor_file(folder / "supercool_x4_c32_r2_l3.pt"));
    CHECK(file.integer("model_args.num_channels") == 32);
    CHECK(file.integer("model_args.upscale_ratio") == 4);
    CHECK(file.integer("model_args.hidden_ratio") == 2);
    CHECK(file.integer("model_args.num_layers") == 3);
    CHECK(file.text("model_args.base_upscaler") == "bicubic");
    CHECK(file.at("encoder.2.conv1.weight_g").shape == std::vector<std::int64_t>{64, 1, 1, 1});
    CHECK(file.at("encoder.2.conv1.weight_v").shape == std::vector<std::int64_t>{64, 32, 3, 3});
    CHECK(
        weights_of(read_tensor_file(folder / "supercool_x2_c16_r4_l2_bilinear.pt")).text("model_args.base_upscaler") ==
        "bilinear");
}

TEST_CASE("weights: golden files are safetensors") {
    FOVEA_NEEDS_DATA(folder, "golden");
    const auto file = read_tensor_file(folder / "vapsr_s.safetensors");
    CHECK(file.at("input").shape == std::vector<std::int64_t>{1, 3, 29, 41});
    CHECK(file.at("output").shape == std::vector<std::int64_t>{1, 3, 116, 164});
}

TEST_CASE("weights: floats to narrower types and back") {
    const std::vector<float> values{1.f, -0.5f, 65504.f};
    for (const dtype type : {dtype::f32, dtype::f16}) CHECK(to_floats(tensor_of("t", {3}, values, type)) == values);
    CHECK(to_floats(tensor_of("t", {1}, std::vector{1.00390625f}, dtype::bf16)) == std::vector{1.f}); // a tie
    CHECK(contains(error_of([&] { tensor_of("t", {2}, values); }), "3 values were given for shape (2)"));
    CHECK(contains(error_of([&] { tensor_of("t", {3}, values, dtype::i8); }), "not as I8"));
}
