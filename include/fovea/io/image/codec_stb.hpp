// PNG and JPEG by stb_image, in builds without libpng or libjpeg.
#pragma once
#include <cstring>
#include <memory>
#include <utility>

#include "fovea/io/image/codec.hpp"
#include "fovea/io/image/jpeg_metadata.hpp"
#include "fovea/io/image/png_metadata.hpp"
#include "fovea/io/image/stb.hpp"

namespace fovea::detail {

inline decoded_image decode_stb(const encoded_image& in, std::string_view format) {
    const auto* bytes = reinterpret_cast<const stb::stbi_uc*>(in.bytes.data());
    if (in.bytes.size() > 0x7fffffff) fail(in.name, ": ", in.bytes.size(), " bytes: expected less than 2^31");
    const int size = int(in.bytes.size());
    const auto damaged = [&] {
        const char* reason = stb::fovea_stbi_failure_reason();
        fail(in.name, ": damaged or unsupported ", format, ": ", reason ? reason : "no reason given");
    };
    int width = 0, height = 0, channels = 0;
    if (!stb::fovea_stbi_info_from_memory(bytes, size, &width, &height, &channels)) damaged();
    check_claimed_size(in, width, height);
    const bool wide = stb::fovea_stbi_is_16_bit_from_memory(bytes, size) != 0;
    const std::unique_ptr<void, void (*)(void*)> samples(
        wide ? static_cast<void*>(stb::fovea_stbi_load_16_from_memory(bytes, size, &width, &height, &channels, 0))
             : stb::fovea_stbi_load_from_memory(bytes, size, &width, &height, &channels, 0),
        stb::fovea_stbi_image_free);
    if (!samples) damaged();
    check_claimed_size(in, width, height);
    decoded_image out;
    out.pixels = image(height, width, channels, wide ? sample_type::u16 : sample_type::u8);
    std::memcpy(out.pixels.data(), samples.get(), out.pixels.row_bytes() * std::size_t(height));
    format == "JPEG" ? read_jpeg_metadata(in, out) : read_png_metadata(in, out);
    return out;
}

} // namespace fovea::detail
