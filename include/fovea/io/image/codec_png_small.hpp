// Writes PNG (W3C, 3rd edition) without any library, for builds without libpng and for PNG inside other files: 8 and 16
// bits, 1 to 4 channels.
//
// Rows are not filtered and the deflate stream (RFC 1951) has stored blocks only. The files are valid but as large as
// the image; builds with libpng compress.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "fovea/image/image.hpp"

namespace fovea::detail {

// The CRC-32 of a chunk, over its type and data.
inline std::uint32_t png_check_sum(std::span<const std::byte> bytes) {
    static constexpr auto table = [] {
        std::array<std::uint32_t, 256> t{};
        for (std::uint32_t i = 0; i < 256; ++i) {
            t[i] = i;
            for (int bit = 0; bit < 8; ++bit) t[i] = t[i] >> 1 ^ (t[i] & 1 ? 0xedb88320u : 0u);
        }
        return t;
    }();
    std::uint32_t crc = ~0u;
    for (const std::byte b : bytes) crc = crc >> 8 ^ table[(crc ^ std::to_integer<std::uint32_t>(b)) & 255];
    return ~crc;
}

// A chunk: length, type, data, and the CRC-32 of type and data.
class png_chunk {
  public:
    explicit png_chunk(std::string_view type) {
        put_number(0);
        for (char c : type) put(std::uint8_t(c));
    }
    void put(std::uint8_t byte) { bytes_.push_back(std::byte(byte)); }
    void put_number(std::uint32_t n) {
        for (int shift = 24; shift >= 0; shift -= 8) put(std::uint8_t(n >> shift));
    }
    void put(std::span<const std::byte> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
    template <class Sink> void write_to(Sink& file) {
        const auto length = std::uint32_t(bytes_.size() - 8);
        for (std::size_t i = 0; i < 4; ++i) bytes_[i] = std::byte(std::uint8_t(length >> (24 - 8 * i)));
        put_number(png_check_sum(std::span(bytes_).subspan(4)));
        file.write(bytes_);
    }

  private:
    std::vector<std::byte> bytes_;
};

// Returns a row in PNG's form: the filter type 0 (none), then the samples with the high byte first.
inline std::vector<std::uint8_t> png_row(const image& pixels, int y) {
    std::vector<std::uint8_t> row(pixels.row_bytes() + 1);
    if (pixels.type() == sample_type::u8) {
        std::ranges::copy(pixels.row<std::uint8_t>(y), row.begin() + 1);
    } else {
        const auto samples = pixels.row<std::uint16_t>(y);
        for (std::size_t i = 0; i < samples.size(); ++i) {
            row[2 * i + 1] = std::uint8_t(samples[i] >> 8);
            row[2 * i + 2] = std::uint8_t(samples[i] & 255);
        }
    }
    return row;
}

// Writes an image of type u8 or u16; `extras` are chunks to write before the pixels. A Sink has
// file.write(std::span<const std::byte>), as atomic_file, which the caller commits.
template <class Sink> void encode_stored_png(Sink& file, const image& pixels, std::span<const png_extra> extras = {}) {
    constexpr std::uint8_t colour_types[] = {0, 4, 2, 6}; // gray, gray and alpha, RGB, RGBA
    constexpr std::array<std::uint8_t, 8> signature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    file.write(std::as_bytes(std::span(signature)));
    png_chunk header("IHDR");
    header.put_number(std::uint32_t(pixels.width()));
    header.put_number(std::uint32_t(pixels.height()));
    header.put(pixels.type() == sample_type::u16 ? 16 : 8);
    header.put(colour_types[pixels.channels() - 1]);
    for (int i = 0; i < 3; ++i) header.put(0); // deflate, adaptive filtering, no interlacing
    header.write_to(file);
    for (const png_extra& e : extras) {
        png_chunk chunk(e.type);
        chunk.put(e.bytes);
        chunk.write_to(file);
    }

    std::uint32_t low = 1, high = 0; // Adler-32 of all rows
    for (int y = 0; y < pixels.height(); ++y) {
        png_chunk data("IDAT");
        if (y == 0) data.put(0x78), data.put(0x01); // header of the zlib stream (RFC 1950)
        const std::vector<std::uint8_t> row = png_row(pixels, y);
        for (std::size_t at = 0; at < row.size(); at += 65535) {
            const std::size_t size = std::min<std::size_t>(row.size() - at, 65535);
            data.put(y + 1 == pixels.height() && at + size == row.size()); // last block
            for (const std::size_t n : {size, ~size}) data.put(n & 255), data.put(n >> 8 & 255);
            for (std::size_t i = 0; i < size; ++i) data.put(row[at + i]);
        }
        for (const std::uint8_t byte : row) {
            low = (low + byte) % 65521;
            high = (high + low) % 65521;
        }
        if (y + 1 == pixels.height()) data.put_number(high << 16 | low);
        data.write_to(file);
    }
    png_chunk("IEND").write_to(file);
}

} // namespace fovea::detail
