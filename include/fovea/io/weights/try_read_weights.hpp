// Weight files that may be bad, as values and not as exceptions:
//
//     auto weights = fovea::try_read_weights("net.pth");
//     if (!weights) return show(weights.error()); // one line that names the file and the reason
//
// Built without exceptions these functions are there where the program links fovea::files, which is compiled with
// them (docs/design.md, "Errors").
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

// As read_tensor_file(), read_tensor_bytes() and weights_of().
FOVEA_FILES_API expected<tensor_file> try_read_tensor_file(const std::filesystem::path& path) noexcept;
FOVEA_FILES_API expected<tensor_file> try_read_tensor_bytes(std::span<const std::byte> bytes,
                                                            const std::string& source = "weights in memory") noexcept;
FOVEA_FILES_API expected<tensor_file> try_weights_of(tensor_file file, std::string_view section = {}) noexcept;

} // namespace fovea
#elif FOVEA_EXCEPTIONS
#include "fovea/io/weights/read_weights.hpp"

namespace fovea {

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

// The tensors of the network in a file: weights_of(read_tensor_file(path)).
inline expected<tensor_file> try_read_weights(const std::filesystem::path& path) {
    auto file = try_read_tensor_file(path);
    return file ? try_weights_of(*std::move(file)) : std::move(file);
}

} // namespace fovea
#endif
