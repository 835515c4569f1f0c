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

# fovea_dispatch_set(NAME [INHERITS SET] [OPTIONS ...]): the kernels that src/dispatch/NAME.cpp lists, compiled with these
# options. A set that inherits kernels is built where the one that it inherits from is. FOVEA_WITH_<NAME> tells
# dispatch.cpp that the set is built.
function(fovea_dispatch_set name)
    cmake_parse_arguments(arg "" "INHERITS" "OPTIONS" ${ARGN})
    if(FOVEA_DISPATCH_SETS AND NOT name MATCHES "^(baseline|neon)$" AND NOT name IN_LIST FOVEA_DISPATCH_SETS)
        return()
    endif()
    if(arg_INHERITS AND NOT arg_INHERITS IN_LIST dispatch_sets)
        return()
    endif()
    target_sources(fovea_dispatch PRIVATE ${dispatch_folder}/${name}.cpp)
    string(TOUPPER ${name} upper)
    target_compile_definitions(fovea_dispatch PRIVATE FOVEA_WITH_${upper}=1)
    set(dispatch_sets ${dispatch_sets} ${name} PARENT_SCOPE)
    set_source_files_properties(${dispatch_folder}/${name}.cpp PROPERTIES COMPILE_OPTIONS "${arg_OPTIONS}")
endfunction()

set(dispatch_sets "")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64|i[3-6]86")
    set(avx512_options -mavx2 -mfma -mf16c -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd)
    fovea_dispatch_set(baseline)
    fovea_dispatch_set(avx2 OPTIONS -mavx2 -mfma -mf16c)
    fovea_dispatch_set(avx512 OPTIONS ${avx512_options})
    fovea_dispatch_set(avx512vnni INHERITS avx512 OPTIONS ${avx512_options} -mavx512vnni)
    include(avx512fp16)
    if(FOVEA_COMPILES_AVX512FP16)
        fovea_dispatch_set(avx512fp16 INHERITS avx512vnni OPTIONS ${avx512_options} -mavx512vnni -mavx512fp16)
    endif()
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64|ARM64")
    fovea_dispatch_set(neon) # the baseline there
else()
    fovea_dispatch_set(baseline)
endif()
