// GIF (87a and 89a): the first frame, on a transparent canvas where it does not cover it.
//
// Own code, for stb_image refuses frames that reach beyond the canvas and fills in what a cut file lacks. Frames are
// cut to the canvas; all reading is bounds-checked; pixel data that the file no longer holds is an error, a data stream
// that ends before the frame is full leaves the rest transparent, as browsers do.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fovea/image/codec.hpp"
#include "fovea/image/format.hpp"

namespace fovea::detail {

// Bytes of the file one after the other.
class gif_cursor {
  public:
    gif_cursor(const encoded_image& in, std::size_t at) : in_(in), at_(at) {}
    unsigned byte() {
        if (at_ >= in_.bytes.size()) fail(in_.name, ": damaged GIF: the file ends early");
        return byte_at(in_.bytes, at_++);
    }
    int word() {
        const unsigned low = byte();
        return int(low | byte() << 8);
    }
    void skip(std::size_t count) {
        for (; count > 0; --count) byte();
    }
    void skip_blocks() {
        while (const unsigned size = byte()) skip(size);
    }

  private:
    const encoded_image& in_;
    std::size_t at_;
};

// Codes of 3 to 12 bits, lowest bit first, from blocks of up to 255 bytes.
class gif_codes {
  public:
    explicit gif_codes(gif_cursor& file) : file_(file) {}
    // The next code, or -1 behind the last block.
    int next(int width) {
        for (; bits_ < width; bits_ += 8) {
            if (block_ == 0 && !ended_) ended_ = (block_ = file_.byte()) == 0;
            if (ended_) return -1;
            buffer_ |= file_.byte() << bits_;
            --block_;
        }
        const int code = int(buffer_ & ((1u << width) - 1));
        buffer_ >>= width;
        bits_ -= width;
        return code;
    }

  private:
    gif_cursor& file_;
    unsigned buffer_ = 0, block_ = 0;
    int bits_ = 0;
    bool ended_ = false;
};

// LZW with codes that grow to 12 bits (Welch 1984): calls put(index) for each pixel until it returns false or the data
// end. Returns false when a code cannot occur.
template <class Put> bool decode_gif_pixels(gif_cursor& file, int literal_bits, Put&& put) {
    struct entry {
        std::uint16_t prefix;
        std::uint8_t first, last;
    };
    const int clear = 1 << literal_bits, end = clear + 1;
    std::array<entry, 4096> table{};
    for (int i = 0; i < clear; ++i) table[std::size_t(i)] = {0, std::uint8_t(i), std::uint8_t(i)};
    gif_codes codes(file);
    std::vector<std::uint8_t> text; // of one code, last pixel first
    int width = literal_bits + 1, size = end + 1, previous = -1;
    while (true) {
        const int code = codes.next(width);
        if (code < 0 || code == end) return true;
        if (code == clear) {
            width = literal_bits + 1;
            size = end + 1;
            previous = -1;
            continue;
        }
        if (code > size || (code == size && previous < 0) || (previous < 0 && code > end)) return false;
        if (previous >= 0 && size < 4096) {
            const entry& from = table[std::size_t(previous)];
            table[std::size_t(size)] = {std::uint16_t(previous), from.first,
                                        code == size ? from.first : table[std::size_t(code)].first};
            if (++size == 1 << width && width < 12) ++width;
        } else if (code >= size) {
            return false;
        }
        text.clear();
        for (int c = code;; c = table[std::size_t(c)].prefix) {
            text.push_back(table[std::size_t(c)].last);
            if (c < clear) break;
        }
        while (!text.empty()) {
            if (!put(text.back())) return true;
            text.pop_back();
        }
        previous = code;
    }
}

using gif_palette = std::array<std::array<std::uint8_t, 3>, 256>;

inline gif_palette read_gif_palette(gif_cursor& file, unsigned flags) {
    gif_palette palette{};
    for (std::size_t i = 0; i < std::size_t(2) << (flags & 7); ++i)
        for (auto& sample : palette[i]) sample = std::uint8_t(file.byte());
    return palette;
}

// Position in the file of the n-th row that an interlaced frame of this height stores.
inline int gif_interlaced_row(int n, int height) {
    for (const auto& [first, step] : {std::array{0, 8}, std::array{4, 8}, std::array{2, 4}, std::array{1, 2}}) {
        const int rows = height > first ? (height - first + step - 1) / step : 0;
        if (n < rows) return first + n * step;
        n -= rows;
    }
    return height;
}

// The frame at the cursor, behind its 0x2c, onto the canvas (H,W,4).
inline void read_gif_frame(const encoded_image& in, gif_cursor& file, gif_palette palette, int transparent,
                           image& canvas) {
    const int left = file.word(), top = file.word(), width = file.word(), height = file.word();
    const unsigned flags = file.byte();
    check_claimed_size(in, width, height);
    if (flags & 0x80) palette = read_gif_palette(file, flags);
    const int literal_bits = int(file.byte());
    if (literal_bits < 1 || literal_bits > 8) fail(in.name, ": damaged GIF: codes of ", literal_bits, " bits");
    int x = 0, n = 0; // column, and number of the row in the order of the file
    const auto put = [&](std::uint8_t index) {
        const int column = left + x, row = top + (flags & 0x40 ? gif_interlaced_row(n, height) : n);
        if (index != transparent && column < canvas.width() && row < canvas.height()) {
            const auto pixel = canvas.row<std::uint8_t>(row).subspan(4 * std::size_t(column), 4);
            std::ranges::copy(palette[index], pixel.begin());
            pixel[3] = 255;
        }
        if (++x == width) {
            x = 0;
            ++n;
        }
        return n < height;
    };
    if (!decode_gif_pixels(file, literal_bits, put)) fail(in.name, ": damaged GIF: a code that cannot occur");
}

inline decoded_image decode_gif(const encoded_image& in) {
    gif_cursor file(in, 6);
    const int width = file.word(), height = file.word();
    const unsigned flags = file.byte();
    file.skip(2);
    check_claimed_size(in, width, height);
    const gif_palette palette = flags & 0x80 ? read_gif_palette(file, flags) : gif_palette{};
    int transparent = -1;
    while (true) {
        const unsigned block = file.byte();
        if (block == 0x2c) break;
        if (block != 0x21) fail(in.name, ": damaged GIF: ", block == 0x3b ? "no frame" : "unknown block");
        if (file.byte() == 0xf9) { // graphic control: of the frame that follows
            const unsigned size = file.byte();
            if (size != 4) fail(in.name, ": damaged GIF: graphic control of ", size, " bytes");
            const unsigned control = file.byte();
            file.skip(2);
            const int index = int(file.byte());
            transparent = control & 1 ? index : -1;
        }
        file.skip_blocks();
    }
    image canvas(height, width, 4);
    read_gif_frame(in, file, palette, transparent, canvas);
    return {without_constant_alpha(std::move(canvas), {255}), 1};
}

} // namespace fovea::detail
