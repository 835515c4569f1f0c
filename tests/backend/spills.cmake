# The hot kernels keep their sums in registers: as the library was built, and as each compiler makes them at -O2.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
include(../bare_compile.cmake)

function(fovea_add_spills_test name label)
    add_test(NAME "spills: ${name}" COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/spills.py ${ARGN})
    set_tests_properties("spills: ${name}" PROPERTIES SKIP_RETURN_CODE 77 LABELS "${label}")
endfunction()

if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
    return()
endif()
set(avx2_options -mavx2 -mfma -mf16c)
set(avx512_options ${avx2_options} -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd)
set(avx512vnni_options ${avx512_options} -mavx512vnni)
foreach(set avx2 avx512 avx512vnni)
    fovea_add_spills_test("${set} in the library" "" library ${set} $<TARGET_FILE:fovea_dispatch>)
    foreach(compiler ${FOVEA_TEST_COMPILERS})
        fovea_add_spills_test("${set} (${compiler})" compile compile ${set} ${PROJECT_SOURCE_DIR}/src/dispatch/${set}.cpp
                              ${FOVEA_TEST_${compiler}} ${FOVEA_BARE_OPTIONS} ${${set}_options})
    endforeach()
endforeach()
foreach(compiler ${FOVEA_TEST_COMPILERS})
    fovea_add_spills_test("the check finds them (${compiler})" compile self-test
                          ${CMAKE_CURRENT_SOURCE_DIR}/spills_self_test.cpp ${FOVEA_TEST_${compiler}} -std=c++20 -mavx512f)
endforeach()
