// Event files for TensorBoard: numbers, pictures and texts by name and step.
//
//   event_file log("runs/first");                     // runs/first/events.out.tfevents.<seconds>.<host>.fovea
//   log.add_scalar("loss", step, report.loss);
//   log.add_image("sample", step, picture);
//   log.add_text("options", 0, "|option|value|\n|---|---|\n|loss|l1|");   // Markdown
//
// A file is a sequence of records: the length in 8 bytes (little-endian), its checksum, the bytes, and their checksum.
// A checksum is a masked CRC-32C (rotated, plus a constant), so that checksums of data that contain checksums stay
// strong. Each record is a message `Event` in the encoding of protocol buffers:
//
//   Event    1 wall_time (double)   2 step (int64)   3 file_version (string, first record)   5 summary (Summary)
//   Summary  1 value (Value), repeated
//   Value    1 tag (string)   2 simple_value (float)   4 image (Image)   8 tensor (TensorProto)   9 metadata
//   Image    1 height   2 width   3 colorspace (channels)   4 encoded_image_string (PNG)
//   TensorProto  1 dtype (7: string)   2 tensor_shape   8 string_val;   metadata  1 plugin_data {1 plugin_name}
//
// Every record is handed to the system before add_...() returns, so that a run can be watched and a crash loses
// nothing. A resumed run adds another file to the folder; TensorBoard joins them.
#pragma once
#if __has_include(<unistd.h>)
#include <unistd.h>
#endif
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include "fovea/core/error.hpp"
#include "fovea/image/convert.hpp"
#include "fovea/io/crc32c.hpp"
#include "fovea/io/event_picture.hpp"
#include "fovea/io/open_file.hpp"

namespace fovea {

namespace detail {

// A message in the encoding of protocol buffers: a sequence of fields, each a number with a type, then its value.
class wire_message {
  public:
    wire_message& add_integer(int field, std::uint64_t v) {
        put_variable(std::uint64_t(field) << 3);
        return put_variable(v);
    }
    wire_message& add_double(int field, double v) {
        put_variable(std::uint64_t(field) << 3 | 1);
        return put_fixed(std::bit_cast<std::uint64_t>(v), 8);
    }
    wire_message& add_float(int field, float v) {
        put_variable(std::uint64_t(field) << 3 | 5);
        return put_fixed(std::bit_cast<std::uint32_t>(v), 4);
    }
    wire_message& add_bytes(int field, std::string_view v) {
        put_variable(std::uint64_t(field) << 3 | 2);
        put_variable(v.size());
        bytes_ += v;
        return *this;
    }
    wire_message& put_fixed(std::uint64_t v, int bytes) { // little-endian
        for (int i = 0; i < bytes; ++i, v >>= 8) bytes_ += char(v & 255);
        return *this;
    }
    const std::string& bytes() const { return bytes_; }

  private:
    wire_message& put_variable(std::uint64_t v) { // a varint: seven bits per byte, the lowest first
        for (; v >= 128; v >>= 7) bytes_ += char((v & 127) | 128);
        bytes_ += char(v);
        return *this;
    }
    std::string bytes_;
};

inline std::uint32_t record_checksum(std::string_view bytes) {
    const std::uint32_t crc = crc32c_of(std::as_bytes(std::span(bytes)));
    return std::rotr(crc, 15) + 0xA282EAD8u;
}

inline std::string host_name() {
    char name[256] = "";
#if __has_include(<unistd.h>) && !defined(_WIN32)
    if (gethostname(name, sizeof name - 1) != 0) name[0] = 0;
#endif
    return name[0] ? name : "unknown";
}

} // namespace detail

class event_file {
  public:
    // Creates a new file in the folder, which is created too if it is missing. Throws if that fails.
    explicit event_file(const std::filesystem::path& folder) {
        std::error_code problem;
        std::filesystem::create_directories(folder, problem);
        if (problem) fail(folder.string(), ": cannot make the folder: ", problem.message());
        for (auto seconds = std::int64_t(now()); !file_; ++seconds) { // the next unused name
            path_ = folder / text_of("events.out.tfevents.", seconds, '.', detail::host_name(), ".fovea");
            file_.reset(detail::open_file(path_, "wbx"));
            if (!file_ && errno != EEXIST) fail_with(errno);
        }
        write(detail::wire_message().add_double(1, now()).add_bytes(3, "brain.Event:2"));
    }

    // The name of the file.
    const std::filesystem::path& path() const { return path_; }

    void add_scalar(std::string_view tag, std::int64_t step, double value) {
        add(step, detail::wire_message().add_bytes(1, tag).add_float(2, float(value)));
    }
    // Adds a picture with any number of channels and any sample type; it is stored with 8 bits, compressed if the
    // program has libpng.
    void add_image(std::string_view tag, std::int64_t step, const image& picture) {
        if (picture.empty()) fail(path_.string(), ": cannot add the image ", tag, ": it is empty");
        const std::string png = detail::png_of(with_type(picture, sample_type::u8));
        detail::wire_message encoded;
        encoded.add_integer(1, std::uint64_t(picture.height())).add_integer(2, std::uint64_t(picture.width()));
        encoded.add_integer(3, std::uint64_t(picture.channels())).add_bytes(4, png);
        add(step, detail::wire_message().add_bytes(1, tag).add_bytes(4, encoded.bytes()));
    }
    // Adds a text, which TensorBoard shows as Markdown.
    void add_text(std::string_view tag, std::int64_t step, std::string_view text) {
        constexpr std::uint64_t string_type = 7;
        const auto one = detail::wire_message().add_integer(1, 1); // a dimension of size 1
        const auto shape = detail::wire_message().add_bytes(2, one.bytes());
        detail::wire_message tensor;
        tensor.add_integer(1, string_type).add_bytes(2, shape.bytes()).add_bytes(8, text);
        const auto plugin = detail::wire_message().add_bytes(1, "text");
        const auto metadata = detail::wire_message().add_bytes(1, plugin.bytes());
        add(step, detail::wire_message().add_bytes(1, tag).add_bytes(8, tensor.bytes()).add_bytes(9, metadata.bytes()));
    }

  private:
    static double now() {
        return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    }

    void add(std::int64_t step, const detail::wire_message& value) {
        const detail::wire_message summary = detail::wire_message().add_bytes(1, value.bytes());
        write(detail::wire_message()
                  .add_double(1, now())
                  .add_integer(2, std::uint64_t(step))
                  .add_bytes(5, summary.bytes()));
    }

    void write(const detail::wire_message& event) {
        detail::wire_message record;
        record.put_fixed(event.bytes().size(), 8);
        const std::uint32_t checksum = detail::record_checksum(record.bytes());
        record.put_fixed(checksum, 4);
        const std::string whole = record.bytes() + event.bytes() +
                                  detail::wire_message().put_fixed(detail::record_checksum(event.bytes()), 4).bytes();
        if (std::fwrite(whole.data(), 1, whole.size(), file_.get()) != whole.size() || std::fflush(file_.get()) != 0)
            fail_with(errno);
    }

    [[noreturn]] void fail_with(int code) const {
        fail(path_.string(), ": cannot write: ", std::generic_category().message(code));
    }

    struct closer {
        void operator()(std::FILE* f) const { std::fclose(f); } // every record has been flushed before
    };
    std::filesystem::path path_;
    std::unique_ptr<std::FILE, closer> file_;
};

} // namespace fovea
