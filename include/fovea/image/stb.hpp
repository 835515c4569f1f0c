// stb_image, compiled into this header: its functions are static and in a namespace of ours, so that several
// translation units, and programs that use stb_image themselves, can include it. Only the formats that no other decoder
// here reads.
#pragma once
// The headers that stb_image includes must be in before the namespace opens.
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

// What a program defined for its own inclusion of stb_image, before or after this one, must not meet what is defined
// here.
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
#define STBI_NO_PNM
#define STBI_NO_GIF
#if FOVEA_WITH_LIBPNG
#define STBI_NO_PNG
#endif
#if FOVEA_WITH_LIBJPEG
#define STBI_NO_JPEG
#endif

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

#undef stbi__err // would be in the way of a second compilation in the same translation unit
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
#pragma pop_macro("STBI_NO_PNM")
#pragma pop_macro("STBI_NO_GIF")
#pragma pop_macro("STBI_NO_PNG")
#pragma pop_macro("STBI_NO_ZLIB")
#pragma pop_macro("STBI_NO_JPEG")
