// Reading of weight files that returns expected values instead of throwing, for files that may be bad:
//
//     auto weights = fovea::try_read_weights("net.pth");
//     if (!weights) return show(weights.error()); // one line that names the file and the reason
//
// Programs built without exceptions must link fovea::files for these functions; it is compiled with exceptions
// (docs/design.md, "Errors").
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "fovea/core/expected.hpp"
#include "fovea/io/weights/tensor_file.hpp"

#if FOVEA_FILES
namespace fovea {

// Like read_tensor_file(), read_tensor_bytes() and weights_of().
FOVEA_FILES_API expected<tensor_file> try_read_tensor_file(const std::filesystem::path& path) noexcept;
FOVEA_FILES_API expected<tensor_file> try_read_tensor_bytes(std::span<const std::byte> bytes,
                                                            const std::string& source = "weights in memory") noexcept;
FOVEA_FILES_API expected<tensor_file> try_weights_of(tensor_file file, std::string_view section = {}) noexcept;

} // namespace fovea
#elif FOVEA_EXCEPTIONS
#include "fovea/io/weights/read_weights.hpp"

namespace fovea {

// Like read_tensor_file(), read_tensor_bytes() and weights_of().
inline expected<tensor_file> try_read_tensor_file(const std::filesystem::path& path) {
    return expected_of([&] { return read_tensor_file(path); });
}
inline expected<tensor_file> try_read_tensor_bytes(std::span<const std::byte> bytes,
                                                   const std::string& source = "weights in memory") {
    return expected_of([&] { return read_tensor_bytes(bytes, source); });
}
inline expected<tensor_file> try_weights_of(tensor_file file, std::string_view section = {}) {
    return expected_of([&] { return weights_of(std::move(file), section); });
}

} // namespace fovea
#endif

#if FOVEA_FILES || FOVEA_EXCEPTIONS
namespace fovea {

// Like weights_of(read_tensor_file(path)): the tensors of the network in a file.
inline expected<tensor_file> try_read_weights(const std::filesystem::path& path) {
    auto file = try_read_tensor_file(path);
    return file ? try_weights_of(*std::move(file)) : std::move(file);
}

} // namespace fovea
#endif
