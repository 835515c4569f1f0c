// stb_image, compiled into this header. Its functions are static and in a namespace of fovea, so that several
// translation units and programs with their own stb_image can include it. Only the formats that no other decoder here
// reads are compiled.
#pragma once
// The headers that stb_image includes must be included before the namespace opens.
#include <assert.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif
#if defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#include "fovea/core/config.hpp"

// Saves the macros that a program may have defined for its own stb_image.
#pragma push_macro("STB_IMAGE_IMPLEMENTATION")
#pragma push_macro("STB_IMAGE_STATIC")
#pragma push_macro("STBI_INCLUDE_STB_IMAGE_H")
#pragma push_macro("STBIDEF")
#pragma push_macro("STBI_ASSERT")
#pragma push_macro("STBI_NO_STDIO")
#pragma push_macro("STBI_NO_LINEAR")
#pragma push_macro("STBI_NO_HDR")
#pragma push_macro("STBI_NO_PSD")
#pragma push_macro("STBI_NO_PIC")
#pragma push_macro("STBI_NO_BMP")
#pragma push_macro("STBI_NO_TGA")
#pragma push_macro("STBI_NO_PNM")
#pragma push_macro("STBI_NO_GIF")
#pragma push_macro("STBI_NO_PNG")
#pragma push_macro("STBI_NO_ZLIB")
#pragma push_macro("STBI_NO_JPEG")
#undef STB_IMAGE_IMPLEMENTATION
#undef STB_IMAGE_STATIC
#undef STBI_INCLUDE_STB_IMAGE_H
#undef STBIDEF
#undef STBI_ASSERT
#undef STBI_NO_STDIO
#undef STBI_NO_LINEAR
#undef STBI_NO_HDR
#undef STBI_NO_PSD
#undef STBI_NO_PIC
#undef STBI_NO_BMP
#undef STBI_NO_TGA
#undef STBI_NO_PNM
#undef STBI_NO_GIF
#undef STBI_NO_PNG
#undef STBI_NO_ZLIB
#undef STBI_NO_JPEG
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ASSERT(condition) assert(condition)
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_NO_PSD
#define STBI_NO_PIC
#define STBI_NO_BMP
#define STBI_NO_TGA
#define STBI_NO_PNM
#define STBI_NO_GIF
#if FOVEA_WITH_LIBPNG
#define STBI_NO_PNG
#endif
#if FOVEA_WITH_LIBJPEG
#define STBI_NO_JPEG
#endif

// extern "C" names ignore namespaces, so they are renamed to keep them apart from a program's own stb_image.
#define stbi_failure_reason fovea_stbi_failure_reason
#define stbi_image_free fovea_stbi_image_free
#define stbi_info_from_callbacks fovea_stbi_info_from_callbacks
#define stbi_info_from_memory fovea_stbi_info_from_memory
#define stbi_is_16_bit_from_callbacks fovea_stbi_is_16_bit_from_callbacks
#define stbi_is_16_bit_from_memory fovea_stbi_is_16_bit_from_memory
#define stbi_is_hdr_from_callbacks fovea_stbi_is_hdr_from_callbacks
#define stbi_is_hdr_from_memory fovea_stbi_is_hdr_from_memory
#define stbi_hdr_to_ldr_gamma fovea_stbi_hdr_to_ldr_gamma
#define stbi_hdr_to_ldr_scale fovea_stbi_hdr_to_ldr_scale
#define stbi_ldr_to_hdr_gamma fovea_stbi_ldr_to_hdr_gamma
#define stbi_ldr_to_hdr_scale fovea_stbi_ldr_to_hdr_scale
#define stbi_load_from_callbacks fovea_stbi_load_from_callbacks
#define stbi_load_from_memory fovea_stbi_load_from_memory
#define stbi_load_16_from_callbacks fovea_stbi_load_16_from_callbacks
#define stbi_load_16_from_memory fovea_stbi_load_16_from_memory
#define stbi_convert_iphone_png_to_rgb fovea_stbi_convert_iphone_png_to_rgb
#define stbi_convert_iphone_png_to_rgb_thread fovea_stbi_convert_iphone_png_to_rgb_thread
#define stbi_set_flip_vertically_on_load fovea_stbi_set_flip_vertically_on_load
#define stbi_set_flip_vertically_on_load_thread fovea_stbi_set_flip_vertically_on_load_thread
#define stbi_set_unpremultiply_on_load fovea_stbi_set_unpremultiply_on_load
#define stbi_set_unpremultiply_on_load_thread fovea_stbi_set_unpremultiply_on_load_thread
#define stbi_zlib_decode_buffer fovea_stbi_zlib_decode_buffer
#define stbi_zlib_decode_malloc fovea_stbi_zlib_decode_malloc
#define stbi_zlib_decode_malloc_guesssize fovea_stbi_zlib_decode_malloc_guesssize
#define stbi_zlib_decode_malloc_guesssize_headerflag fovea_stbi_zlib_decode_malloc_guesssize_headerflag
#define stbi_zlib_decode_noheader_buffer fovea_stbi_zlib_decode_noheader_buffer
#define stbi_zlib_decode_noheader_malloc fovea_stbi_zlib_decode_noheader_malloc

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#endif
namespace fovea::detail::stb {
#if __has_include(<stb_image.h>)
#include <stb_image.h>
#else
#include <stb/stb_image.h>
#endif
} // namespace fovea::detail::stb
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#undef stbi_failure_reason
#undef stbi_image_free
#undef stbi_info_from_callbacks
#undef stbi_info_from_memory
#undef stbi_is_16_bit_from_callbacks
#undef stbi_is_16_bit_from_memory
#undef stbi_is_hdr_from_callbacks
#undef stbi_is_hdr_from_memory
#undef stbi_hdr_to_ldr_gamma
#undef stbi_hdr_to_ldr_scale
#undef stbi_ldr_to_hdr_gamma
#undef stbi_ldr_to_hdr_scale
#undef stbi_load_from_callbacks
#undef stbi_load_from_memory
#undef stbi_load_16_from_callbacks
#undef stbi_load_16_from_memory
#undef stbi_convert_iphone_png_to_rgb
#undef stbi_convert_iphone_png_to_rgb_thread
#undef stbi_set_flip_vertically_on_load
#undef stbi_set_flip_vertically_on_load_thread
#undef stbi_set_unpremultiply_on_load
#undef stbi_set_unpremultiply_on_load_thread
#undef stbi_zlib_decode_buffer
#undef stbi_zlib_decode_malloc
#undef stbi_zlib_decode_malloc_guesssize
#undef stbi_zlib_decode_malloc_guesssize_headerflag
#undef stbi_zlib_decode_noheader_buffer
#undef stbi_zlib_decode_noheader_malloc
#undef stbi__err // would break a second inclusion of stb_image in the same translation unit
#pragma pop_macro("STB_IMAGE_IMPLEMENTATION")
#pragma pop_macro("STB_IMAGE_STATIC")
#pragma pop_macro("STBI_INCLUDE_STB_IMAGE_H")
#pragma pop_macro("STBIDEF")
#pragma pop_macro("STBI_ASSERT")
#pragma pop_macro("STBI_NO_STDIO")
#pragma pop_macro("STBI_NO_LINEAR")
#pragma pop_macro("STBI_NO_HDR")
#pragma pop_macro("STBI_NO_PSD")
#pragma pop_macro("STBI_NO_PIC")
#pragma pop_macro("STBI_NO_BMP")
#pragma pop_macro("STBI_NO_TGA")
#pragma pop_macro("STBI_NO_PNM")
#pragma pop_macro("STBI_NO_GIF")
#pragma pop_macro("STBI_NO_PNG")
#pragma pop_macro("STBI_NO_ZLIB")
#pragma pop_macro("STBI_NO_JPEG")
