// Image files as expected values instead of exceptions, for files that may be bad; see try_read_weights.hpp. A program
// that links fovea::files needs no image libraries itself.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "fovea/core/expected.hpp"
#include "fovea/image/image.hpp"

#if FOVEA_FILES
namespace fovea {

// Like read_image() and write_image() with default options. Writing returns its error, or an empty text.
FOVEA_FILES_API expected<image> try_read_image(const std::filesystem::path& path) noexcept;
FOVEA_FILES_API expected<image> try_read_image(std::span<const std::byte> bytes, std::string_view name) noexcept;
FOVEA_FILES_API std::string try_write_image(const std::filesystem::path& path, const image& pixels) noexcept;

} // namespace fovea
#elif FOVEA_EXCEPTIONS
#if FOVEA_IMAGE_FILES
#include "fovea/io/image/read.hpp"
#include "fovea/io/image/write.hpp"

namespace fovea {

// Like read_image() and write_image() with default options. Writing returns its error, or an empty text.
inline expected<image> try_read_image(const std::filesystem::path& path) {
    return expected_of([&] { return read_image(path); });
}
inline expected<image> try_read_image(std::span<const std::byte> bytes, std::string_view name) {
    return expected_of([&] { return read_image(bytes, name); });
}
inline std::string try_write_image(const std::filesystem::path& path, const image& pixels) {
    return reason_of_failure([&] { write_image(path, pixels); });
}

} // namespace fovea
#endif
#endif
