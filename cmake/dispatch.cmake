# fovea::dispatch: the CPU kernels, compiled once per instruction set and chosen at run time. Optimised in every build
# type: unoptimised kernels are too slow even for tests. Under sanitizers lightly: -O3 there costs more time of the
# compiler than the tests win.
set(dispatch_folder ${CMAKE_CURRENT_SOURCE_DIR}/src/dispatch)
add_library(fovea_dispatch STATIC ${dispatch_folder}/dispatch.cpp)
add_library(fovea::dispatch ALIAS fovea_dispatch)
set_target_properties(fovea_dispatch PROPERTIES EXPORT_NAME dispatch POSITION_INDEPENDENT_CODE ON)
if(NOT PROJECT_IS_TOP_LEVEL) # in a sub-project it takes time only where something links it
    set_target_properties(fovea_dispatch PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
target_link_libraries(fovea_dispatch PUBLIC fovea PRIVATE $<BUILD_INTERFACE:fovea_warnings>)
target_compile_definitions(fovea_dispatch INTERFACE FOVEA_DISPATCH=1)
if(FOVEA_SANITIZE)
    target_compile_options(fovea_dispatch PRIVATE -O1)
else()
    target_compile_options(fovea_dispatch PRIVATE -O3)
endif()

set(FOVEA_DISPATCH_SETS "" CACHE STRING "Kernel sets of fovea::dispatch besides the baseline; empty: all that the compiler knows")

# fovea_dispatch_set(NAME OPTIONS...): FOVEA_WITH_<NAME>, for dispatch.cpp, and FOVEA_HAS_<NAME> here say that it is built.
function(fovea_dispatch_set name)
    if(FOVEA_DISPATCH_SETS AND NOT name MATCHES "^(baseline|neon)$" AND NOT name IN_LIST FOVEA_DISPATCH_SETS)
        return()
    endif()
    target_sources(fovea_dispatch PRIVATE ${dispatch_folder}/${name}.cpp)
    string(TOUPPER ${name} upper)
    target_compile_definitions(fovea_dispatch PRIVATE FOVEA_WITH_${upper}=1)
    set(FOVEA_HAS_${upper} ON PARENT_SCOPE)
    set_source_files_properties(${dispatch_folder}/${name}.cpp PROPERTIES COMPILE_OPTIONS "${ARGN}")
endfunction()

if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64|i[3-6]86")
    fovea_dispatch_set(baseline)
    fovea_dispatch_set(avx2 -mavx2 -mfma -mf16c)
    set(dispatch_avx512 -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd)
    fovea_dispatch_set(avx512 ${dispatch_avx512})
    if(FOVEA_HAS_AVX512)
        fovea_dispatch_set(avx512vnni ${dispatch_avx512} -mavx512vnni) # the 8-bit kernels alone
    endif()
    include(avx512fp16)
    if(FOVEA_COMPILES_AVX512FP16 AND FOVEA_HAS_AVX512VNNI)
        fovea_dispatch_set(avx512fp16 ${dispatch_avx512} -mavx512vnni -mavx512fp16) # those of half precision alone
    endif()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
    fovea_dispatch_set(neon) # the baseline there
else()
    fovea_dispatch_set(baseline)
endif()
