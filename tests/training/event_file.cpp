// Event files, read back by a reader of the test's own.
#include "fovea/io/event_file.hpp"

#include <cstring>
#include <map>

#include "fovea/io/read_file.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

using namespace fovea;

namespace {

std::string text_of_file(const std::filesystem::path& p) {
    const auto bytes = read_file(p);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class T> T number_at(const std::string& bytes, std::size_t at) { // of a little-endian machine
    REQUIRE(at + sizeof(T) <= bytes.size());
    T v;
    std::memcpy(&v, bytes.data() + at, sizeof v);
    return v;
}

std::vector<std::string> records_of(const std::string& file) {
    std::vector<std::string> all;
    for (std::size_t at = 0; at < file.size();) {
        const auto size = std::size_t(number_at<std::uint64_t>(file, at));
        CHECK(number_at<std::uint32_t>(file, at + 8) == detail::record_checksum(file.substr(at, 8)));
        REQUIRE(at + 16 + size <= file.size());
        all.push_back(file.substr(at + 12, size));
        CHECK(number_at<std::uint32_t>(file, at + 12 + size) == detail::record_checksum(all.back()));
        at += 16 + size;
    }
    return all;
}

// The fields of a message by their numbers; of each the bytes of its value, or the digits of a number of variable size.
std::map<int, std::string> fields_of(const std::string& message) {
    std::map<int, std::string> fields;
    std::size_t at = 0;
    const auto variable = [&] {
        std::uint64_t v = 0;
        for (int shift = 0;; shift += 7) {
            const auto byte = std::uint8_t(message.at(at++));
            v |= std::uint64_t(byte & 127) << shift;
            if (byte < 128) return v;
        }
    };
    while (at < message.size()) {
        const std::uint64_t key = variable();
        std::string& value = fields[int(key >> 3)];
        if ((key & 7) == 0) {
            value = std::to_string(variable());
        } else {
            const std::size_t size = (key & 7) == 1 ? 8 : (key & 7) == 5 ? 4 : std::size_t(variable());
            value = message.substr(at, size), at += size;
        }
    }
    return fields;
}

} // namespace

TEST_CASE("CRC-32C of known messages") { // RFC 3720, B.4; the last is the usual check of nine digits
    const auto crc = [](const std::string& s) { return detail::crc32c_of(std::as_bytes(std::span(s))); };
    CHECK(crc("123456789") == 0xE3069283u);
    CHECK(crc(std::string(32, '\0')) == 0x8A9136AAu);
    CHECK(crc(std::string(32, '\xff')) == 0x62A8AB43u);
}

TEST_CASE("an event file holds what was added, at any time") {
    const fovea_test::scratch_folder folder;
    event_file log(folder.path / "run");
    CHECK(log.path().filename().string().starts_with("events.out.tfevents."));
    CHECK(log.path().extension() == ".fovea");
    log.add_scalar("loss/train", 300, 0.125);
    log.add_scalar("loss/train", 1'000'000'000'000, -2);
    const auto records = records_of(text_of_file(log.path())); // it is still open
    REQUIRE(records.size() == 3);
    CHECK(fields_of(records[0])[3] == "brain.Event:2");
    CHECK(number_at<double>(fields_of(records[0])[1], 0) > 1.6e9); // seconds since 1970
    auto event = fields_of(records[1]), value = fields_of(fields_of(event[5])[1]);
    CHECK(event[2] == "300");
    CHECK(value[1] == "loss/train");
    CHECK(number_at<float>(value[2], 0) == 0.125f);
    CHECK(fields_of(records[2])[2] == "1000000000000");

    image picture(3, 200, 4, sample_type::f32);
    picture.row<float>(1)[5] = 1;
    log.add_image("sample", 7, picture);
    const auto all = records_of(text_of_file(log.path()));
    REQUIRE(all.size() == 4);
    value = fields_of(fields_of(fields_of(all[3])[5])[1]);
    auto encoded = fields_of(value[4]);
    CHECK(value[1] == "sample");
    CHECK((encoded[1] == "3" && encoded[2] == "200" && encoded[3] == "4"));
    CHECK(encoded[4].substr(1, 3) == "PNG");
#if FOVEA_WITH_LIBPNG
    CHECK(encoded[4].size() < 3 * 200 * 4 / 4); // nearly all is black
#else
    CHECK(encoded[4].size() > 3 * 200 * 4); // not compressed, 8 bits
    CHECK(encoded[4].size() < 3 * 200 * 4 + 200);
#endif
    CHECK_THROWS_WITH(log.add_image("nothing", 8, image()), Catch::Contains("nothing"));
}

TEST_CASE("a text is what TensorBoard shows as Markdown") {
    const fovea_test::scratch_folder folder;
    event_file log(folder.path);
    log.add_text("options", 12, "| option | value |");
    const auto records = records_of(text_of_file(log.path()));
    REQUIRE(records.size() == 2);
    auto event = fields_of(records[1]), value = fields_of(fields_of(event[5])[1]);
    CHECK((event[2] == "12" && value[1] == "options"));
    CHECK(fields_of(fields_of(value[9])[1])[1] == "text"); // the plugin
    auto tensor = fields_of(value[8]);
    CHECK((tensor[1] == "7" && tensor[8] == "| option | value |"));
    CHECK(fields_of(fields_of(tensor[2])[2])[1] == "1");
}

TEST_CASE("a run that goes on has a file of its own, and a folder that cannot be made is named") {
    const fovea_test::scratch_folder folder;
    const event_file first(folder.path), second(folder.path);
    CHECK(first.path() != second.path());
    CHECK(folder.entries() == 2);
    CHECK_THROWS_WITH(event_file(first.path() / "below"), Catch::Contains("below: cannot make the folder"));
}
