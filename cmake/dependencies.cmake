# What fovea stands on, found on the machine. The core: xsimd, header-only. Image files: stb, and where present
# libpng, libjpeg-turbo, libwebp and zlib.
# xsimd by its headers: the package's CMake target of some distributions links a library that is not there.
find_path(FOVEA_XSIMD_INCLUDE_DIR xsimd/xsimd.hpp REQUIRED)
find_package(Threads REQUIRED)
find_path(FOVEA_STB_INCLUDE_DIR stb_image.h PATH_SUFFIXES stb)
find_package(PNG QUIET)
find_package(JPEG QUIET)
find_package(ZLIB QUIET)
find_path(FOVEA_WEBP_INCLUDE_DIR webp/decode.h)
find_library(FOVEA_WEBP_LIBRARY webp)
find_library(FOVEA_WEBPDEMUX_LIBRARY webpdemux)
find_library(FOVEA_WEBPMUX_LIBRARY webpmux)
mark_as_advanced(FOVEA_XSIMD_INCLUDE_DIR FOVEA_STB_INCLUDE_DIR FOVEA_WEBP_INCLUDE_DIR FOVEA_WEBP_LIBRARY
                 FOVEA_WEBPDEMUX_LIBRARY FOVEA_WEBPMUX_LIBRARY)

# Gives `target` every library for image and weight files that was found, and the macros that say so.
function(fovea_link_image_libraries target)
    if(FOVEA_STB_INCLUDE_DIR)
        target_include_directories(${target} SYSTEM INTERFACE $<BUILD_INTERFACE:${FOVEA_STB_INCLUDE_DIR}>)
        target_compile_definitions(${target} INTERFACE FOVEA_IMAGE_FILES=1)
    endif()
    if(PNG_FOUND)
        target_link_libraries(${target} INTERFACE PNG::PNG)
        target_compile_definitions(${target} INTERFACE FOVEA_WITH_LIBPNG=1)
    endif()
    if(JPEG_FOUND)
        target_link_libraries(${target} INTERFACE JPEG::JPEG)
        target_compile_definitions(${target} INTERFACE FOVEA_WITH_LIBJPEG=1)
    endif()
    if(FOVEA_WEBP_INCLUDE_DIR AND FOVEA_WEBP_LIBRARY AND FOVEA_WEBPDEMUX_LIBRARY AND FOVEA_WEBPMUX_LIBRARY)
        target_link_libraries(${target} INTERFACE $<BUILD_INTERFACE:${FOVEA_WEBPDEMUX_LIBRARY}>
                              $<BUILD_INTERFACE:${FOVEA_WEBPMUX_LIBRARY}>
                              $<BUILD_INTERFACE:${FOVEA_WEBP_LIBRARY}>)
        target_compile_definitions(${target} INTERFACE FOVEA_WITH_LIBWEBP=1)
    endif()
    if(ZLIB_FOUND)
        target_link_libraries(${target} INTERFACE ZLIB::ZLIB)
        target_compile_definitions(${target} INTERFACE FOVEA_WITH_ZLIB=1)
    endif()
endfunction()
