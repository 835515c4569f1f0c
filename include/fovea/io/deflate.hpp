// zlib streams (RFC 1950) of PNG metadata: colour profiles and text. Without zlib (FOVEA_WITH_ZLIB) nothing can be
// unpacked, and packing writes stored blocks.
#pragma once
#include "fovea/core/config.hpp"
#include "fovea/image/metadata.hpp"
#if FOVEA_WITH_ZLIB
#include <zlib.h>
#else
#include <algorithm>
#include <cstdint>
#endif

namespace fovea::detail {

// Returns the contents of a stream; empty if it is damaged, longer than a metadata block may be, or zlib is missing.
inline byte_block inflated(std::span<const std::byte> packed) {
    byte_block out;
#if FOVEA_WITH_ZLIB
    z_stream stream{};
    if (inflateInit(&stream) != Z_OK) return {};
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data())); // zlib does not change it
    stream.avail_in = uInt(packed.size());
    int status = Z_OK;
    for (std::size_t filled = 0; status == Z_OK && filled <= largest_metadata_block; filled = stream.total_out) {
        out.resize(filled + std::max<std::size_t>(filled, 4096));
        stream.next_out = reinterpret_cast<Bytef*>(out.data() + filled);
        stream.avail_out = uInt(out.size() - filled);
        status = inflate(&stream, Z_NO_FLUSH);
    }
    out.resize(status == Z_STREAM_END && stream.total_out <= largest_metadata_block ? stream.total_out : 0);
    inflateEnd(&stream);
#else
    static_cast<void>(packed);
#endif
    return out;
}

inline byte_block deflated(std::span<const std::byte> bytes) {
#if FOVEA_WITH_ZLIB
    uLongf size = compressBound(uLong(bytes.size()));
    byte_block out(size);
    const auto status = compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                                  reinterpret_cast<const Bytef*>(bytes.data()), uLong(bytes.size()), 9);
    out.resize(status == Z_OK ? size : 0);
#else
    byte_block out{std::byte(0x78), std::byte(0x01)};
    const auto put = [&](std::size_t byte) { out.push_back(std::byte(std::uint8_t(byte & 255))); };
    std::uint32_t low = 1, high = 0; // Adler-32
    for (std::size_t at = 0; at < bytes.size(); at += 65535) {
        const std::size_t size = std::min<std::size_t>(bytes.size() - at, 65535);
        put(at + size == bytes.size()); // last block
        for (const std::size_t n : {size, ~size}) put(n), put(n >> 8);
        for (const std::byte b : bytes.subspan(at, size)) {
            out.push_back(b);
            low = (low + std::to_integer<std::uint32_t>(b)) % 65521;
            high = (high + low) % 65521;
        }
    }
    for (int shift = 24; shift >= 0; shift -= 8) put((high << 16 | low) >> shift);
#endif
    return out;
}

} // namespace fovea::detail
