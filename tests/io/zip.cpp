#include "fovea/io/zip.hpp"

#include "fovea/io/read_file.hpp"
#include "io/support.hpp"

using namespace fovea;
using fovea_test::contains;
using fovea_test::error_of;
using fovea_test::vector_file;

namespace {

std::span<const std::byte> bytes_of_text(std::string_view text) { return std::as_bytes(std::span(text)); }

} // namespace

TEST_CASE("zip: the CRC of the standard's check value") {
    CHECK(detail::crc32_of(bytes_of_text("123456789")) == 0xCBF43926u);
    CHECK(detail::crc32_of({}) == 0);
}

TEST_CASE("zip: stored, described after the data, ZIP64 and deflated archives hold the same") {
    const auto names = [](const std::string& file) {
        const auto bytes = read_file(vector_file(file));
        const detail::zip_archive archive(bytes, file);
        detail::size_budget budget(file, bytes.size());
        std::vector<std::pair<std::string, std::size_t>> found;
        for (const auto& entry : archive.entries())
            found.emplace_back(entry.name, archive.read(entry, budget).bytes.size());
        return found;
    };
    const auto stored = names("small.pt");
    CHECK(stored.size() > 10);
    CHECK(names("zip64.pt") == stored);
#if FOVEA_WITH_ZLIB
    CHECK(names("deflated.pt") == stored);
#else
    CHECK(contains(error_of([&] { names("deflated.pt"); }), "fovea was built without zlib"));
#endif
}

TEST_CASE("zip: a changed byte of an entry is found by its CRC") {
    auto bytes = read_file(vector_file("small.pt"));
    const auto position = detail::text_of_bytes(bytes).find("num_channels");
    bytes[position] ^= std::byte{1};
    CHECK(contains(error_of([&] { read_tensor_bytes(bytes, "w.pt"); }), "its CRC does not match"));
}

TEST_CASE("zip: a cut archive says so") {
    auto bytes = read_file(vector_file("small.pt"));
    bytes.resize(bytes.size() / 2);
    CHECK(contains(error_of([&] { read_tensor_bytes(bytes, "w.pt"); }), "w.pt: is not a whole zip archive"));
}
