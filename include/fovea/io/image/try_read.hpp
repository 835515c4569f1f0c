// Image files that may be bad, as values and not as exceptions: see try_read_weights.hpp. Needs no library for images
// where the program links fovea::files, which has them.
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

// As read_image() and write_image() with their default options; the error of writing, or an empty text.
FOVEA_FILES_API expected<image> try_read_image(const std::filesystem::path& path) noexcept;
FOVEA_FILES_API expected<image> try_read_image(std::span<const std::byte> bytes, std::string_view name) noexcept;
FOVEA_FILES_API std::string try_write_image(const std::filesystem::path& path, const image& pixels) noexcept;

} // namespace fovea
#elif FOVEA_EXCEPTIONS
#if FOVEA_IMAGE_FILES
#include "fovea/io/image/read.hpp"
#include "fovea/io/image/write.hpp"

namespace fovea {

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
