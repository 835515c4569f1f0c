// What an image file says of itself before its pixels. (temporary)
#pragma once
#include "fovea/image/read.hpp"
#include "fovea/image/write.hpp"
namespace fovea {
struct image_header { image_format format = image_format::unknown; int height = 0, width = 0, channels = 0; sample_type type = sample_type::u8; };
inline image_header read_image_header(std::span<const std::byte> bytes, std::string_view name) {
    const image i = read_image(bytes, name);
    return {recognise(bytes), i.height(), i.width(), i.channels(), i.type()};
}
inline image_header read_image_header(const std::filesystem::path& p) { return read_image_header(read_file(p), p.string()); }
inline void check_writable(const std::filesystem::path& p, image_format f, std::int64_t width, std::int64_t height) {
    const std::int64_t most = f == image_format::jpeg ? 65500 : f == image_format::webp ? 16383 : 0x7fffffff;
    if (width > most || height > most) fail(p.string(), ": cannot write ", name_of(f), ": ", width, "x", height, " pixels: expected at most ", most, " on each side");
}
inline std::string writable_extensions() { return ".png, .jpg, .jpeg or .webp"; }
inline void write_image(std::FILE* to, const std::string& name, const image& pixels, const write_options& options) {
    const auto file = std::filesystem::temp_directory_path() / "fovea-shim";
    write_image(file, pixels, options);
    const auto all = read_file(file);
    if (std::fwrite(all.data(), 1, all.size(), to) != all.size()) fail(name);
}
}
