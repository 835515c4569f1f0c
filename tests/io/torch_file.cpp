#include "fovea/io/weights/torch_file.hpp"

#include "io/support.hpp"

using namespace fovea;
using fovea_test::contains;
using fovea_test::error_of;
using fovea_test::same;
using fovea_test::vector_file;

namespace {

void check_small(const tensor_file& file) {
    for (const auto& expected : fovea_test::small_elements) {
        INFO(expected.tensor);
        CHECK(same(to_floats(file.at(expected.tensor)).at(expected.index), expected.value));
    }
    CHECK(file.integer("epoch") == 12);
    CHECK(file.integer("model_args.num_channels") == 64);
    CHECK(file.text("model_args.base_upscaler") == "bicubic");
    CHECK(*file.find_value<double>("model_args.rate") == 0.5);
    CHECK(*file.find_value<bool>("model_args.exact"));
    CHECK(*file.find_value<double>("optimizer.param_groups.0.betas.1") == 0.999);
    CHECK(file.values.count("model_args.nothing") == 0);
    CHECK(file.at("model/_orig_mod.transposed").shape == std::vector<std::int64_t>{6, 4});
    CHECK(file.at("model/_orig_mod.empty").shape == std::vector<std::int64_t>{0, 3});
    CHECK(file.at("model/_orig_mod.scalar").shape.empty());
    CHECK(file.at("model/_orig_mod.half_a").type == dtype::f16);
    CHECK(file.at("model/_orig_mod.bfloat16").type == dtype::bf16);
    CHECK(file.at("model/_orig_mod.int64").type == dtype::i64);
    CHECK(file.at("optimizer/state/0/exp_avg").shape == std::vector<std::int64_t>{3});
}

std::string error_in_torch_file(const std::string& name) {
    return error_of([&] { read_tensor_file(vector_file(name)); });
}

} // namespace

TEST_CASE("torch: a checkpoint with every type, views, nesting and values") {
    check_small(read_tensor_file(vector_file("small.pt")));
}

TEST_CASE("torch: the same in the format before zip") { check_small(read_tensor_file(vector_file("old.pt"))); }

TEST_CASE("torch: the same with ZIP64's fields") { check_small(read_tensor_file(vector_file("zip64.pt"))); }

#if FOVEA_WITH_ZLIB
TEST_CASE("torch: the same deflated") { check_small(read_tensor_file(vector_file("deflated.pt"))); }
#endif

TEST_CASE("torch: a pickle's calls are named and never made") {
    CHECK(read_tensor_file(vector_file("forbidden.pt")).opaque.at("value") == "os.system");
    CHECK(read_tensor_file(vector_file("forbidden_4.pt")).opaque.at("value") == "eval");
    CHECK(contains(error_of([] { weights_of(read_tensor_file(vector_file("forbidden.pt"))); }),
                   "forbidden.pt: holds no weights of a network: it has value: os.system, not read"));
}

TEST_CASE("torch: hostile files are refused") {
    CHECK(contains(error_in_torch_file("doubled_deep.pt"), "nests deeper than"));
    CHECK(contains(error_in_torch_file("doubled_wide.pt"), "more than"));
    CHECK(contains(error_in_torch_file("cycle.pt"), "nests deeper than"));
    CHECK(contains(error_in_torch_file("copied_pairs.pt"), "copies more than"));
    CHECK(contains(error_in_torch_file("huge_repeat.pt"), "t unfolds to 4398046"));
    CHECK(contains(error_in_torch_file("huge_shape.pt"), "is too large"));
    CHECK(contains(error_in_torch_file("beyond_end.pt"),
                   "tensor t: shape (4,4) at element 1 reaches beyond the 16 elements"));
    CHECK(contains(error_in_torch_file("wrapping_strides.pt"), "reaches beyond"));
    CHECK(contains(error_in_torch_file("negative_offset.pt"), "not negative, not -1"));
    CHECK(contains(error_in_torch_file("no_storage.pt"), "has no entry archive/data/0"));
#if FOVEA_WITH_ZLIB
    CHECK(contains(error_in_torch_file("bomb.pt"), "unfolds to 104857600 bytes"));
#endif
}

TEST_CASE("torch: what is no weight file at all") {
    CHECK(contains(error_of([] { read_tensor_bytes({}, "empty.pth"); }), "empty.pth: is not a weight file"));
    CHECK(contains(error_of([] { read_tensor_file(vector_file("absent.pt")); }), "absent.pt"));
    CHECK(contains(error_of([] { read_tensor_file(vector_file("")); }), "is a folder"));
}
