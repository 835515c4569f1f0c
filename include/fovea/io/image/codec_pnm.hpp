// PNM (netpbm's pbm, pgm, ppm and pam): a header of numbers and comments, then samples.
//
//   P1 P4   bits, 1 is black
//   P2 P5   gray
//   P3 P6   RGB
//   P7      1 to 4 channels, given in its header
//
// P1 to P3 have numbers as text; P4 packs eight bits into a byte; P5 to P7 have rows of samples of one byte, or of two
// bytes (high byte first) if the largest value is above 255. Values are scaled to the full range of 8 or 16 bits.
//
// This is a decoder of its own because stb_image reads neither bits, text nor P7, does not scale, and leaves 16-bit
// samples in the file's byte order.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "fovea/image/format.hpp"
#include "fovea/io/image/codec.hpp"

namespace fovea::detail {

struct pnm_header {
    int kind = 0, channels = 1; // kind: 1 to 7, as in the file
    std::uint64_t width = 0, height = 0, largest = 1;
    std::size_t at = 0; // offset of the first sample
    bool text() const { return kind <= 3; }
    bool bits() const { return kind == 1 || kind == 4; }
    sample_type type() const { return largest > 255 ? sample_type::u16 : sample_type::u8; }
};

inline bool pnm_space(const encoded_image& in, std::size_t at) {
    return byte_at(in.bytes, at) == ' ' || (byte_at(in.bytes, at) - 9u) < 5u;
}

inline void skip_pnm_space(const encoded_image& in, std::size_t& at) {
    for (; at < in.bytes.size() && (pnm_space(in, at) || byte_at(in.bytes, at) == '#'); ++at)
        if (byte_at(in.bytes, at) == '#')
            while (at + 1 < in.bytes.size() && byte_at(in.bytes, at) != '\n') ++at;
}

// Reads the number at the cursor, after white space and comments.
inline std::uint64_t pnm_number(const encoded_image& in, std::size_t& at, const char* where = "header") {
    skip_pnm_space(in, at);
    const auto digit = [&] { return byte_at(in.bytes, at) - unsigned('0') < 10u; };
    if (!digit()) fail(in.name, ": damaged PNM: no number in its ", where);
    std::uint64_t value = 0;
    for (; digit() && value < 1000000000; ++at) value = value * 10 + (byte_at(in.bytes, at) - unsigned('0'));
    return value;
}

// P7: each line is a word and a value, in any order, up to ENDHDR.
inline void read_pam_header(const encoded_image& in, pnm_header& h) {
    while (true) {
        skip_pnm_space(in, h.at);
        std::size_t end = h.at;
        while (end < in.bytes.size() && !pnm_space(in, end)) ++end;
        const std::string_view word(reinterpret_cast<const char*>(in.bytes.data()) + h.at, end - h.at);
        if (word.empty()) fail(in.name, ": damaged PNM: its header has no end");
        h.at = end;
        if (word == "ENDHDR") return;
        if (word == "WIDTH") h.width = pnm_number(in, h.at);
        if (word == "HEIGHT") h.height = pnm_number(in, h.at);
        if (word == "MAXVAL") h.largest = pnm_number(in, h.at);
        if (word == "DEPTH") h.channels = int(pnm_number(in, h.at));
        while (h.at < in.bytes.size() && byte_at(in.bytes, h.at) != '\n') ++h.at; // TUPLTYPE only repeats DEPTH
    }
}

inline pnm_header read_pnm_header(const encoded_image& in) {
    pnm_header h{.kind = int(byte_at(in.bytes, 1) - unsigned('0')), .at = 2};
    if (h.kind == 7) {
        read_pam_header(in, h);
    } else {
        h.channels = h.kind == 3 || h.kind == 6 ? 3 : 1;
        h.width = pnm_number(in, h.at);
        h.height = pnm_number(in, h.at);
        if (!h.bits()) h.largest = pnm_number(in, h.at);
    }
    if (h.channels < 1 || h.channels > 4) fail(in.name, ": unsupported PNM: ", h.channels, " channels");
    check_claimed_size(in, std::int64_t(h.width), std::int64_t(h.height));
    if (h.largest < 1 || h.largest > 65535)
        fail(in.name, ": damaged PNM: largest value ", h.largest, ", expected 1 to 65535");
    ++h.at; // one white space ends the header
    return h;
}

// Returns the least number of bytes that the samples need.
inline std::uint64_t pnm_bytes_needed(const pnm_header& h) {
    const std::uint64_t samples = h.width * std::uint64_t(h.channels);
    if (h.kind == 4) return (h.width + 7) / 8 * h.height;
    // Text has at least a digit for each sample and, except in P1, a space between two.
    if (h.text()) return h.kind == 1 ? samples * h.height : samples * h.height * 2 - 1;
    return samples * h.height * size_of(h.type());
}

inline decoded_image decode_pnm(const encoded_image& in) {
    const pnm_header h = read_pnm_header(in);
    const std::uint64_t needed = pnm_bytes_needed(h);
    if (h.at > in.bytes.size() || needed > in.bytes.size() - h.at)
        fail(in.name, ": damaged PNM: ", h.width, "x", h.height, " pixels need ", needed,
             " bytes, the file ends early");

    decoded_image out;
    out.pixels = image(int(h.height), int(h.width), h.channels, h.type());
    std::size_t at = h.at;
    const auto next = [&](std::size_t x) -> std::uint64_t {
        if (h.kind == 4) return byte_at(in.bytes, at + x / 8) >> (7 - x % 8) & 1;
        if (h.kind == 1) { // digits need no space between them
            skip_pnm_space(in, at);
            const unsigned bit = byte_at(in.bytes, at++) - unsigned('0');
            if (bit > 1) fail(in.name, ": damaged PNM: expected 0 or 1 for each pixel");
            return bit;
        }
        if (h.text()) return pnm_number(in, at, "pixels");
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < size_of(h.type()); ++i) value = value << 8 | byte_at(in.bytes, at++);
        return value;
    };
    const auto read_rows = [&]<class T>(T) {
        constexpr std::uint64_t full = T(~T(0));
        for (int y = 0; y < out.pixels.height(); ++y) {
            std::size_t x = 0;
            for (T& sample : out.pixels.row<T>(y)) {
                const std::uint64_t value = std::min(next(x++), h.largest);
                sample = T(((h.bits() ? 1 - value : value) * full + h.largest / 2) / h.largest);
            }
            if (h.kind == 4) at += std::size_t((h.width + 7) / 8);
        }
    };
    h.type() == sample_type::u16 ? read_rows(std::uint16_t{}) : read_rows(std::uint8_t{});
    return out;
}

} // namespace fovea::detail
