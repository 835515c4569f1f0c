// Every macro of the library. A program may define the switches before it includes the first header; the CMake targets
// define them for it.
#pragma once
#include "fovea/core/header_form.hpp"

#define FOVEA_VERSION_MAJOR 0
#define FOVEA_VERSION_MINOR 1
#define FOVEA_VERSION_PATCH 0

// ---- switches --------------------------------------------------------------------------------------------------
//
// FOVEA_DISPATCH       1: CPU kernels come from the library fovea::dispatch, which chooses them at run time.
//                      0: they come from these headers, for the instruction set that the compiler is given.
// FOVEA_EMULATE_FP16   1: precision_kind::float16 multiplies in half precision without AVX512-FP16, too, with the
//                      same bits but slowly; for tests and measurements.
// FOVEA_FILES          1: try_read_image() and similar functions come from the library fovea::files, which
//                      programs without exceptions need.
// FOVEA_IMAGE_FILES    1: fovea/fovea.hpp includes reading and writing of image files (needs at least stb_image).
// FOVEA_WITH_LIBPNG, FOVEA_WITH_LIBJPEG, FOVEA_WITH_LIBWEBP, FOVEA_WITH_LIBTIFF
//                      1: that library handles its format; the program links it (libwebp with libwebpdemux and
//                      libwebpmux). Without libpng and libjpeg, stb_image reads PNG and JPEG.
// FOVEA_WITH_GIFLIB, FOVEA_WITH_LIBAVIF, FOVEA_WITH_LIBJXL, FOVEA_WITH_OPENJPEG
//                      1: that library reads GIF, AVIF, JPEG XL or JPEG 2000; the program links it.
// FOVEA_WITH_ZLIB      1: reads compressed weight files and the colour profiles of PNG; the program links zlib.
// FOVEA_WITH_LCMS2     1: converts CMYK to sRGB by the profile in the file; the program links lcms2.
// FOVEA_WITH_CUDNN     1: convolutions in 16 bits and TF32 on a GPU are done by cuDNN; the program links it.
#ifndef FOVEA_WITH_CUDNN
#define FOVEA_WITH_CUDNN 0
#endif
#ifndef FOVEA_DISPATCH
#define FOVEA_DISPATCH 0
#endif
#ifndef FOVEA_EMULATE_FP16
#define FOVEA_EMULATE_FP16 0
#endif
#ifndef FOVEA_FILES
#define FOVEA_FILES 0
#endif
#ifndef FOVEA_IMAGE_FILES
#define FOVEA_IMAGE_FILES 0
#endif
#ifndef FOVEA_WITH_LIBPNG
#define FOVEA_WITH_LIBPNG 0
#endif
#ifndef FOVEA_WITH_LIBJPEG
#define FOVEA_WITH_LIBJPEG 0
#endif
#ifndef FOVEA_WITH_LIBWEBP
#define FOVEA_WITH_LIBWEBP 0
#endif
#ifndef FOVEA_WITH_LIBTIFF
#define FOVEA_WITH_LIBTIFF 0
#endif
#ifndef FOVEA_WITH_GIFLIB
#define FOVEA_WITH_GIFLIB 0
#endif
#ifndef FOVEA_WITH_LIBAVIF
#define FOVEA_WITH_LIBAVIF 0
#endif
#ifndef FOVEA_WITH_LIBJXL
#define FOVEA_WITH_LIBJXL 0
#endif
#ifndef FOVEA_WITH_OPENJPEG
#define FOVEA_WITH_OPENJPEG 0
#endif
#ifndef FOVEA_WITH_LCMS2
#define FOVEA_WITH_LCMS2 0
#endif
#ifndef FOVEA_WITH_ZLIB
#define FOVEA_WITH_ZLIB 0
#endif

// ---- errors ----------------------------------------------------------------------------------------------------
//
// FOVEA_THROW(message) throws fovea::error; message is a std::string. Without exceptions it prints the message and
// aborts, unless the program defines the macro itself. It must not return.
#if defined(__cpp_exceptions) || defined(__EXCEPTIONS)
#define FOVEA_EXCEPTIONS 1
#else
#define FOVEA_EXCEPTIONS 0
#endif
#ifndef FOVEA_THROW
#if FOVEA_EXCEPTIONS
#define FOVEA_THROW(message) throw ::fovea::error(message)
#else
#define FOVEA_THROW(message) ::fovea::detail::terminate_with(message)
#endif
#endif

// Marks functions that the library fovea::files exports; its other symbols are hidden.
#if defined(__GNUC__)
#define FOVEA_FILES_API __attribute__((visibility("default")))
#else
#define FOVEA_FILES_API
#endif

// ---- compilers -------------------------------------------------------------------------------------------------
#if defined(__CUDACC__)
#define FOVEA_UNROLL _Pragma("unroll")
#define FOVEA_INLINE inline __attribute__((always_inline))
#elif defined(__clang__)
#define FOVEA_UNROLL _Pragma("clang loop unroll(full)")
#define FOVEA_INLINE inline __attribute__((always_inline))
#elif defined(__GNUC__)
#if defined(__SANITIZE_ADDRESS__) // instrumented code takes minutes to compile if it is unrolled
#define FOVEA_UNROLL
#else
#define FOVEA_UNROLL _Pragma("GCC unroll 64") // g++ -O2 otherwise keeps arrays of accumulators in memory
#endif
#define FOVEA_INLINE inline __attribute__((always_inline))
#else
#define FOVEA_UNROLL
#define FOVEA_INLINE inline
#endif
#if defined(__GNUC__)
#define FOVEA_NOINLINE __attribute__((noinline)) // for code that runs once: saves compile time and size
#else
#define FOVEA_NOINLINE
#endif

// Marks functions that GPU kernels may call, also in activations that a user adds. Without nvcc it is empty.
#if defined(__CUDACC__)
#define FOVEA_HOST_DEVICE __host__ __device__
#else
#define FOVEA_HOST_DEVICE
#endif

// ---- instruction set -------------------------------------------------------------------------------------------
//
// FOVEA_ISA is the namespace of the CPU kernels in this translation unit, named after its instruction set.
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && \
    defined(__AVX512FP16__)
#define FOVEA_ISA avx512fp16
#define FOVEA_ISA_NAME "avx512fp16"
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && \
    defined(__AVX512VNNI__)
#define FOVEA_ISA avx512vnni
#define FOVEA_ISA_NAME "avx512vnni"
#elif defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)
#define FOVEA_ISA avx512
#define FOVEA_ISA_NAME "avx512"
#elif defined(__AVX2__) && defined(__FMA__)
#define FOVEA_ISA avx2
#define FOVEA_ISA_NAME "avx2"
#elif defined(__aarch64__)
#define FOVEA_ISA neon
#define FOVEA_ISA_NAME "neon"
#else
#define FOVEA_ISA baseline
#define FOVEA_ISA_NAME "baseline"
#endif
