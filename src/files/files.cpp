// fovea::files: the functions that read files and may fail, compiled with exceptions, none of which leaves them; for
// programs that are compiled without exceptions.
//
// It is a shared library that hides its other symbols. The headers define the same inline functions in such a program
// as in this file, but there errors end the program instead of throwing; in a static library the linker would keep an
// arbitrary one of the two.
#include "fovea/io/image/read.hpp"
#include "fovea/io/image/try_read.hpp"
#include "fovea/io/image/write.hpp"
#include "fovea/io/weights/read_weights.hpp"
#include "fovea/io/weights/try_read_weights.hpp"

static_assert(FOVEA_EXCEPTIONS && FOVEA_FILES, "fovea::files is compiled with exceptions and FOVEA_FILES=1");

namespace fovea {

expected<tensor_file> try_read_tensor_file(const std::filesystem::path& path) noexcept {
    return expected_of([&] { return read_tensor_file(path); });
}

expected<tensor_file> try_read_tensor_bytes(std::span<const std::byte> bytes, const std::string& source) noexcept {
    return expected_of([&] { return read_tensor_bytes(bytes, source); });
}

expected<tensor_file> try_weights_of(tensor_file file, std::string_view section) noexcept {
    return expected_of([&] { return weights_of(std::move(file), section); });
}

expected<image> try_read_image(const std::filesystem::path& path) noexcept {
    return expected_of([&] { return read_image(path); });
}

expected<image> try_read_image(std::span<const std::byte> bytes, std::string_view name) noexcept {
    return expected_of([&] { return read_image(bytes, name); });
}

std::string try_write_image(const std::filesystem::path& path, const image& pixels) noexcept {
    return reason_of_failure([&] { write_image(path, pixels); });
}

} // namespace fovea
