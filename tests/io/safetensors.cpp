#include "fovea/io/weights/safetensors.hpp"

#include <cstring>

#include "io/support.hpp"
#include "support/scratch.hpp"

using namespace fovea;
using fovea_test::contains;
using fovea_test::error_of;

namespace {

// A file of that header and that many bytes of data.
std::vector<std::byte> file_of(const std::string& header, std::size_t data) {
    const std::uint64_t length = header.size();
    std::vector<std::byte> bytes(8 + header.size() + data);
    std::memcpy(bytes.data(), &length, 8);
    std::memcpy(bytes.data() + 8, header.data(), header.size());
    return bytes;
}

std::string error_in_header(const std::string& header, std::size_t data) {
    return error_of([&] { read_safetensors(file_of(header, data), "w.safetensors"); });
}

tensor_file one_of_every_type() {
    tensor_file file;
    for (int i = 0; i <= static_cast<int>(dtype::f64); ++i) {
        const auto type = static_cast<dtype>(i);
        stored_tensor tensor{"a \"" + std::string(name_of(type)), type, {1, i, 2}, {}};
        for (std::size_t k = 0; k < std::size_t(2 * i) * bytes_of(type); ++k)
            tensor.bytes.push_back(std::byte(k * 7 + i));
        file.add(tensor);
    }
    file.add({"scalar", dtype::f32, {}, std::vector<std::byte>(4)});
    file.metadata = {{"architecture", "vapsr"}, {"odd", "line\nbreak \xE2\x82\xAC"}};
    return file;
}

} // namespace

TEST_CASE("safetensors: every type survives writing and reading, in order, aligned") {
    const tensor_file written = one_of_every_type();
    const fovea_test::scratch_folder scratch;
    write_safetensors(scratch.path / "w.safetensors", written);
    const tensor_file read = read_tensor_file(scratch.path / "w.safetensors");

    CHECK(read.metadata == written.metadata);
    REQUIRE(read.tensors().size() == written.tensors().size());
    for (std::size_t i = 0; i < read.tensors().size(); ++i) {
        const auto &a = read.tensors()[i], &b = written.tensors()[i];
        CHECK(a.name == b.name);
        CHECK(a.type == b.type);
        CHECK(a.shape == b.shape);
        CHECK(a.bytes == b.bytes);
    }
    CHECK(safetensors_bytes(read) == safetensors_bytes(written));
    CHECK(scratch.entries() == 1);
}

TEST_CASE("safetensors: no tensors at all is a file too") {
    const auto bytes = safetensors_bytes(tensor_file{});
    CHECK(read_tensor_bytes(bytes).tensors().empty());
}

TEST_CASE("safetensors: a header that does not fit its data is refused") {
    const std::string good = R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
    CHECK(error_in_header(good, 8).empty());
    CHECK(contains(error_in_header(good, 12), "holds 12 bytes of data; its header describes 8"));
    CHECK(contains(error_in_header(good, 4), "tensor t: its data_offsets do not lie within the 4 bytes"));
    CHECK(contains(error_in_header(R"({"t":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8),
                   "shape (3) of F32 does not fit its 8 bytes"));
    CHECK(contains(error_in_header(R"({"t":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8),
                   "integers of at least 0"));
    CHECK(contains(error_in_header(R"({"t":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0),
                   "does not fit"));
    CHECK(contains(error_in_header(R"({"t":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}})", 8), "integers"));
    CHECK(contains(error_in_header(R"({"t":{"dtype":"F33","shape":[2],"data_offsets":[0,8]}})", 8), "dtype F33"));
    CHECK(contains(error_in_header(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8), "data_offsets"));
    CHECK(
        contains(error_in_header(R"({"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1}})", 8), "exactly"));
    CHECK(contains(error_in_header(R"({"t":{"dtype":"F32","shape":[2]}})", 8), "exactly"));
    CHECK(contains(
        error_in_header(
            R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[5],"data_offsets":[3,8]}})",
            8),
        "overlap at byte 3"));
    CHECK(contains(
        error_in_header(
            R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[5],"data_offsets":[3,8]}})",
            8),
        "gap at byte 2"));
    CHECK(contains(error_in_header(R"({"__metadata__":{"a":1}})", 0), "a is not a text"));
    CHECK(contains(error_in_header(R"({"t":7})", 0), "exactly"));
    CHECK(contains(error_in_header("[]", 0), "not a JSON object"));
}

TEST_CASE("safetensors: a header's length beyond the file is refused") {
    auto bytes = file_of("{}", 0);
    bytes[1] = std::byte{1};
    CHECK(contains(error_of([&] { read_tensor_bytes(bytes, "w"); }), "its header claims 258 bytes where 2 are left"));
}

TEST_CASE("safetensors: an unwritable target is an error that leaves nothing behind") {
    const fovea_test::scratch_folder scratch;
    const auto target = scratch.path / "absent" / "w.safetensors";
    CHECK(contains(error_of([&] { write_safetensors(target, one_of_every_type()); }), target.string()));
    CHECK(scratch.entries() == 0);
}
