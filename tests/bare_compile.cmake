# For tests that call compilers themselves: which compilers, and the options that a file including fovea needs.
set(FOVEA_TEST_COMPILERS)
foreach(name g++ clang++)
    find_program(FOVEA_TEST_${name} ${name})
    mark_as_advanced(FOVEA_TEST_${name})
    if(FOVEA_TEST_${name})
        list(APPEND FOVEA_TEST_COMPILERS ${name})
    endif()
endforeach()

set(eigen_folders)
if(TARGET Eigen3::Eigen)
    get_target_property(eigen_folders Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
endif()
set(FOVEA_BARE_OPTIONS -std=c++20 -I${PROJECT_SOURCE_DIR}/include)
foreach(folder ${FOVEA_XSIMD_INCLUDE_DIR} ${FOVEA_STB_INCLUDE_DIR}
               ${PNG_INCLUDE_DIRS} ${JPEG_INCLUDE_DIRS} ${ZLIB_INCLUDE_DIRS} ${TIFF_INCLUDE_DIRS} ${FOVEA_OPENJPEG_INCLUDE_DIR} ${eigen_folders})
    if(NOT folder STREQUAL "/usr/include") # as -isystem it would hide the compiler's own headers
        list(APPEND FOVEA_BARE_OPTIONS -isystem ${folder})
    endif()
endforeach()
