// PNG by libpng (FOVEA_WITH_LIBPNG). Reads every colour type and depth: 16 bits stay 16 bits, smaller depths become 8
// bits, palettes become RGB, tRNS becomes alpha. Writes 8 and 16 bits with 1 to 4 channels.
//
// libpng reports errors by longjmp. So every function below that calls setjmp holds no object with a destructor, and
// does not change a variable between setjmp and the calls that may jump; such objects live in its caller.
#pragma once
#include <png.h>

#include <bit>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <vector>

#include "fovea/io/atomic_file.hpp"
#include "fovea/io/image/codec.hpp"
#include "fovea/io/image/png_metadata.hpp"

namespace fovea::detail {

struct png_session {
    png_structp png = nullptr;
    png_infop info = nullptr;
    bool reads = true;
    std::span<const std::byte> unread;
    atomic_file* file = nullptr;
    bool pixels_complete = false;
    char message[160] = "";

    explicit png_session(bool reading) : reads(reading) {
        png = reads ? png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &on_error, &on_warning)
                    : png_create_write_struct(PNG_LIBPNG_VER_STRING, this, &on_error, &on_warning);
        if (png) info = png_create_info_struct(png);
        if (!info) {
            release();
            fail("libpng ", png_get_libpng_ver(nullptr), " cannot be used: compiled against ", PNG_LIBPNG_VER_STRING);
        }
    }
    ~png_session() { release(); }
    png_session(const png_session&) = delete;
    png_session& operator=(const png_session&) = delete;

    static void on_error(png_structp png, png_const_charp text) {
        auto& self = *static_cast<png_session*>(png_get_error_ptr(png));
        std::snprintf(self.message, sizeof self.message, "%s", text);
        png_longjmp(png, 1);
    }
    static void on_warning(png_structp, png_const_charp) {}
    static void on_read(png_structp png, png_bytep to, std::size_t size) {
        auto& self = *static_cast<png_session*>(png_get_io_ptr(png));
        if (size > self.unread.size()) png_error(png, "the file ends early");
        std::memcpy(to, self.unread.data(), size);
        self.unread = self.unread.subspan(size);
    }
    static void on_write(png_structp png, png_bytep from, std::size_t size) {
        auto& self = *static_cast<png_session*>(png_get_io_ptr(png));
        if (!self.file->try_write({reinterpret_cast<const std::byte*>(from), size})) png_error(png, "cannot write");
    }
    static void on_flush(png_structp) {}

  private:
    void release() {
        if (reads)
            png_destroy_read_struct(&png, &info, nullptr);
        else
            png_destroy_write_struct(&png, &info);
    }
};

// Reads up to the first pixel and sets the conversions to 8- or 16-bit gray or RGB, with or without alpha.
inline bool read_png_header(png_session& session) {
    png_structp png = session.png;
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_read_fn(png, &session, &png_session::on_read);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
#ifdef PNG_HANDLE_AS_UNKNOWN_SUPPORTED
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1); // png_metadata.hpp reads the metadata
#endif
    png_read_info(png, session.info);
    return true;
}

inline bool prepare_png_rows(png_session& session) {
    png_structp png = session.png;
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_expand(png);
    if constexpr (std::endian::native == std::endian::little) png_set_swap(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, session.info);
    return true;
}

// Reads the pixels, then the chunks after them, in which damage is tolerated.
inline bool read_png_rows(png_session& session, png_bytepp rows) {
    png_structp png = session.png;
    if (setjmp(png_jmpbuf(png))) return session.pixels_complete;
    png_read_image(png, rows);
    session.pixels_complete = true;
    png_read_end(png, session.info);
    return true;
}

inline std::vector<png_bytep> png_rows_of(std::byte* data, std::size_t row_bytes, int height) {
    std::vector<png_bytep> rows(static_cast<std::size_t>(height));
    for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = reinterpret_cast<png_bytep>(data + row_bytes * y);
    return rows;
}

inline decoded_image decode_png(const encoded_image& in) {
    png_session session(true);
    session.unread = in.bytes;
    const auto damaged = [&] { fail(in.name, ": damaged PNG: ", session.message); };
    if (!read_png_header(session)) damaged();
    const std::uint32_t width = png_get_image_width(session.png, session.info);
    const std::uint32_t height = png_get_image_height(session.png, session.info);
    check_claimed_size(in, width, height);
    // Deflate shrinks by at most 1032, so a larger claim is refused before memory is allocated.
    const std::uint64_t packed = std::uint64_t(png_get_rowbytes(session.png, session.info)) * height;
    if (packed / 1032 > in.bytes.size())
        fail(in.name, ": damaged PNG: claims ", width, "x", height, " pixels in ", in.bytes.size(), " bytes");

    if (!prepare_png_rows(session)) damaged();
    const bool wide = png_get_bit_depth(session.png, session.info) == 16;
    decoded_image out;
    out.pixels = image(int(height), int(width), png_get_channels(session.png, session.info),
                       wide ? sample_type::u16 : sample_type::u8);
    if (out.pixels.row_bytes() != png_get_rowbytes(session.png, session.info)) fail(in.name, ": unsupported PNG");
    auto rows = png_rows_of(out.pixels.data(), out.pixels.row_bytes(), int(height));
    if (!read_png_rows(session, rows.data())) damaged();
    read_png_metadata(in, out);
    return out;
}

inline bool write_png(png_session& session, const image& pixels, int compression, png_bytepp rows,
                      std::span<const png_extra> extras) {
    constexpr int colour_types[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                    PNG_COLOR_TYPE_RGB_ALPHA};
    png_structp png = session.png;
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_write_fn(png, &session, &png_session::on_write, &png_session::on_flush);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_compression_level(png, compression);
    png_set_IHDR(png, session.info, png_uint_32(pixels.width()), png_uint_32(pixels.height()),
                 pixels.type() == sample_type::u16 ? 16 : 8, colour_types[pixels.channels() - 1], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, session.info);
    for (std::size_t i = 0; i < extras.size(); ++i)
        png_write_chunk(png, reinterpret_cast<png_const_bytep>(extras[i].type.c_str()),
                        reinterpret_cast<png_const_bytep>(extras[i].bytes.data()), extras[i].bytes.size());
    if constexpr (std::endian::native == std::endian::little) png_set_swap(png);
    png_write_image(png, rows);
    png_write_end(png, session.info);
    return true;
}

// Writes an image of type u8 or u16; compression is 0 (none) to 9; `extras` are chunks to write before the pixels. The
// caller commits the file, which throws if it could not be written.
inline void encode_png(atomic_file& file, std::string_view name, const image& pixels, int compression,
                       std::span<const png_extra> extras) {
    png_session session(false);
    session.file = &file;
    // libpng's interface takes rows as pointers to non-const, but does not change them.
    auto rows = png_rows_of(const_cast<std::byte*>(pixels.data()), pixels.row_bytes(), pixels.height());
    if (write_png(session, pixels, compression, rows.data(), extras)) return;
    file.check();
    fail(name, ": cannot write PNG: ", session.message);
}

} // namespace fovea::detail
