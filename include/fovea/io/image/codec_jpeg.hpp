// JPEG by libjpeg(-turbo) (FOVEA_WITH_LIBJPEG). Reads baseline, progressive and arithmetic-coded files of 8 bits: gray,
// YCbCr, RGB, and CMYK or YCCK, which become RGB. Writes gray and RGB.
//
// Damage that libjpeg can skip is tolerated; truncated picture data are an error. As in codec_png.hpp, functions that
// call setjmp hold no object with a destructor.
#pragma once
#include <csetjmp>
#include <cstddef>
#include <cstdio>
// jpeglib.h needs the two headers above.
#include <jerror.h>
#include <jpeglib.h>

#include "fovea/io/atomic_file.hpp"
#include "fovea/io/image/cmyk.hpp"
#include "fovea/io/image/codec.hpp"
#include "fovea/io/image/jpeg_metadata.hpp"

namespace fovea::detail {

// libjpeg's error manager; an error jumps to the caller's setjmp.
struct jpeg_errors {
    jpeg_error_mgr base; // must be the first member: libjpeg sees only this
    std::jmp_buf escape;
    bool exhausted = false; // the source has been read past its end
    char message[JMSG_LENGTH_MAX] = "";

    jpeg_errors() {
        jpeg_std_error(&base);
        base.error_exit = &on_error;
        base.emit_message = &on_message;
        base.output_message = [](j_common_ptr) {};
    }
    static jpeg_errors& of(j_common_ptr codec) { return *reinterpret_cast<jpeg_errors*>(codec->err); }
    [[noreturn]] static void on_error(j_common_ptr codec) {
        codec->err->format_message(codec, of(codec).message);
        std::longjmp(of(codec).escape, 1);
    }
    static void on_message(j_common_ptr codec, int level) {
        if (level >= 0) return; // not a warning
        ++codec->err->num_warnings;
        if (codec->err->msg_code != JWRN_HIT_MARKER || !of(codec).exhausted) return;
        std::snprintf(of(codec).message, JMSG_LENGTH_MAX, "the file ends early");
        std::longjmp(of(codec).escape, 1);
    }
};

// A data source for a file in memory. After its end it supplies end-of-image markers forever.
struct jpeg_memory : jpeg_source_mgr {
    explicit jpeg_memory(std::span<const std::byte> bytes) : jpeg_source_mgr{} {
        next_input_byte = reinterpret_cast<const JOCTET*>(bytes.data());
        bytes_in_buffer = bytes.size();
        init_source = [](j_decompress_ptr) {};
        term_source = [](j_decompress_ptr) {};
        resync_to_restart = &jpeg_resync_to_restart;
        fill_input_buffer = [](j_decompress_ptr codec) -> boolean {
            static const JOCTET end[] = {0xff, JPEG_EOI};
            jpeg_errors::of(reinterpret_cast<j_common_ptr>(codec)).exhausted = true;
            codec->src->next_input_byte = end;
            codec->src->bytes_in_buffer = sizeof end;
            return TRUE;
        };
        skip_input_data = [](j_decompress_ptr codec, long count) {
            if (count <= 0) return;
            jpeg_source_mgr& src = *codec->src;
            if (std::size_t(count) > src.bytes_in_buffer) {
                src.fill_input_buffer(codec);
                return;
            }
            src.next_input_byte += count;
            src.bytes_in_buffer -= std::size_t(count);
        };
    }
};

// Limits the number of scans: a progressive file may have any number, and each costs a pass over the picture.
struct jpeg_scan_limit : jpeg_progress_mgr {
    jpeg_scan_limit() : jpeg_progress_mgr{} {
        progress_monitor = [](j_common_ptr codec) {
            if (reinterpret_cast<j_decompress_ptr>(codec)->input_scan_number <= 500) return;
            std::snprintf(jpeg_errors::of(codec).message, JMSG_LENGTH_MAX, "more than 500 scans");
            std::longjmp(jpeg_errors::of(codec).escape, 1);
        };
    }
};

struct jpeg_reader {
    jpeg_errors errors;
    jpeg_memory source;
    jpeg_scan_limit progress;
    jpeg_decompress_struct codec{};

    explicit jpeg_reader(std::span<const std::byte> bytes) : source(bytes) { codec.err = &errors.base; }
    ~jpeg_reader() { jpeg_destroy_decompress(&codec); }
    jpeg_reader(const jpeg_reader&) = delete;
    jpeg_reader& operator=(const jpeg_reader&) = delete;
};

inline bool read_jpeg_header(jpeg_reader& reader) {
    if (setjmp(reader.errors.escape)) return false;
    jpeg_create_decompress(&reader.codec);
    reader.codec.src = &reader.source;
    reader.codec.progress = &reader.progress;
    jpeg_read_header(&reader.codec, TRUE);
    return true;
}

inline bool read_jpeg_rows(jpeg_reader& reader, std::byte* rows, std::size_t row_bytes) {
    jpeg_decompress_struct& codec = reader.codec;
    if (setjmp(reader.errors.escape)) return false;
    jpeg_start_decompress(&codec);
    while (codec.output_scanline < codec.output_height) {
        auto* row = reinterpret_cast<JSAMPROW>(rows + row_bytes * codec.output_scanline);
        jpeg_read_scanlines(&codec, &row, 1);
    }
    return true;
}

inline decoded_image decode_jpeg(const encoded_image& in) {
    jpeg_reader reader(in.bytes);
    jpeg_decompress_struct& codec = reader.codec;
    const auto damaged = [&] { fail(in.name, ": damaged JPEG: ", reader.errors.message); };
    if (!read_jpeg_header(reader)) damaged();
    check_claimed_size(in, codec.image_width, codec.image_height);
    if (codec.data_precision != 8) fail(in.name, ": unsupported JPEG: ", codec.data_precision, " bits per sample");
    const int components = codec.num_components;
    if (components != 1 && components != 3 && components != 4)
        fail(in.name, ": unsupported JPEG: ", components, " components");
    codec.out_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;

    decoded_image out;
    out.pixels = image(int(codec.image_height), int(codec.image_width), components);
    if (!read_jpeg_rows(reader, out.pixels.data(), out.pixels.row_bytes())) damaged();
    read_jpeg_metadata(in, out);
    if (components == 4) out.pixels = rgb_of_cmyk(in, out.pixels, out.metadata);
    return out;
}

// A data destination that passes libjpeg's output on in blocks.
struct jpeg_file : jpeg_destination_mgr {
    atomic_file& file;
    JOCTET block[16384];

    explicit jpeg_file(atomic_file& to) : jpeg_destination_mgr{}, file(to) {
        init_destination = [](j_compress_ptr codec) { of(codec).rewind(); };
        empty_output_buffer = [](j_compress_ptr codec) -> boolean {
            of(codec).pass_on(codec, sizeof block);
            return TRUE;
        };
        term_destination = [](j_compress_ptr codec) {
            of(codec).pass_on(codec, sizeof block - codec->dest->free_in_buffer);
        };
    }
    static jpeg_file& of(j_compress_ptr codec) { return *static_cast<jpeg_file*>(codec->dest); }
    void rewind() {
        next_output_byte = block;
        free_in_buffer = sizeof block;
    }
    void pass_on(j_compress_ptr codec, std::size_t size) {
        if (!file.try_write({reinterpret_cast<const std::byte*>(block), size}))
            jpeg_errors::on_error(reinterpret_cast<j_common_ptr>(codec));
        rewind();
    }
};

struct jpeg_writer {
    jpeg_errors errors;
    jpeg_file destination;
    jpeg_compress_struct codec{};

    explicit jpeg_writer(atomic_file& file) : destination(file) { codec.err = &errors.base; }
    ~jpeg_writer() { jpeg_destroy_compress(&codec); }
    jpeg_writer(const jpeg_writer&) = delete;
    jpeg_writer& operator=(const jpeg_writer&) = delete;
};

inline bool write_jpeg(jpeg_writer& writer, const image& pixels, int quality, const image_density& density,
                       std::span<const jpeg_segment> segments) {
    jpeg_compress_struct& codec = writer.codec;
    if (setjmp(writer.errors.escape)) return false;
    jpeg_create_compress(&codec);
    codec.dest = &writer.destination;
    codec.image_width = JDIMENSION(pixels.width());
    codec.image_height = JDIMENSION(pixels.height());
    codec.input_components = pixels.channels();
    codec.in_color_space = pixels.channels() == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&codec);
    jpeg_set_quality(&codec, quality, TRUE);
    codec.optimize_coding = TRUE;
    if (quality >= 90) codec.comp_info[0].h_samp_factor = codec.comp_info[0].v_samp_factor = 1; // full chroma
    codec.density_unit = UINT8(density.unit);
    codec.X_density = UINT16(density.x);
    codec.Y_density = UINT16(density.y);
    jpeg_start_compress(&codec, TRUE);
    for (std::size_t i = 0; i < segments.size(); ++i)
        jpeg_write_marker(&codec, segments[i].marker, reinterpret_cast<const JOCTET*>(segments[i].bytes.data()),
                          static_cast<unsigned>(segments[i].bytes.size()));
    while (codec.next_scanline < codec.image_height) {
        // libjpeg's interface takes rows as pointers to non-const, but does not change them.
        auto* row = reinterpret_cast<JSAMPROW>(
            const_cast<std::byte*>(pixels.data() + pixels.row_bytes() * codec.next_scanline));
        jpeg_write_scanlines(&codec, &row, 1);
    }
    jpeg_finish_compress(&codec);
    return true;
}

// Writes an image of type u8 with 1 or 3 channels; quality is 1 to 100, from 90 on without chroma subsampling. The
// caller commits the file, which throws if it could not be written.
inline void encode_jpeg(atomic_file& file, std::string_view name, const image& pixels, int quality,
                        const image_metadata& m) {
    jpeg_writer writer(file);
    const std::vector<jpeg_segment> segments = jpeg_segments_of(m);
    if (write_jpeg(writer, pixels, quality, jfif_density(m.density.value_or(image_density{})), segments)) return;
    file.check();
    fail(name, ": cannot write JPEG: ", writer.errors.message);
}

} // namespace fovea::detail
