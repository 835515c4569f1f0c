# FOVEA_COMPILES_AVX512FP16: whether compiler and assembler know AVX512-FP16, as from g++ 12, clang 14 and binutils 2.38 on.
include(CheckCXXSourceCompiles)
set(CMAKE_REQUIRED_FLAGS -mavx512fp16)
check_cxx_source_compiles("#include <immintrin.h>
__attribute__((noinline)) __m512h f(__m512h a, __m512h b, __m512h c) { return _mm512_fmadd_ph(a, b, c); }
int main() { return 0; }" FOVEA_COMPILES_AVX512FP16)
unset(CMAKE_REQUIRED_FLAGS)
