// Chooses among the compiled kernels at run time. __builtin_cpu_supports also checks that the operating system saves
// the registers.
#include <cstdlib>
#include <string_view>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#define FOVEA_DISPATCH_CHOOSES 1
#include "fovea/core/error.hpp"
#include "tables.hpp"

namespace fovea {
namespace {

#if FOVEA_WITH_AVX512VNNI
kernel_table with_int8_kernels(kernel_table all, const char* name, const convolution_kernels& own) {
    all.name = name;
    all.int8_convolution_scratch = own.scratch;
    all.int8_convolution = own.run;
    all.packed_int8_convolution_bytes = own.packed_bytes;
    all.pack_int8_convolution = own.pack;
    return all;
}

const kernel_table& avx512vnni_kernels() {
    static const kernel_table all =
        with_int8_kernels(detail::avx512_kernels, "avx512vnni", detail::avx512vnni_int8_kernels);
    return all;
}
#endif

#if FOVEA_WITH_AVX512FP16
kernel_table with_half_kernels(kernel_table all, const char* name, const detail::half_kernels& own) {
    all.name = name;
    all.half_convolution = &own.convolution;
    all.attention_block_scratch = own.attention_block.scratch;
    all.attention_block = own.attention_block.run;
    all.packed_attention_block_bytes = own.attention_block.packed_bytes;
    all.pack_attention_block = own.attention_block.pack;
    return all;
}

const kernel_table& avx512fp16_kernels() {
    static const kernel_table all =
        with_half_kernels(avx512vnni_kernels(), "avx512fp16", detail::avx512fp16_half_kernels);
    return all;
}

// Asks CPUID, because not every compiler's __builtin_cpu_supports knows this set; its registers are those of AVX-512.
bool has_avx512fp16() {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 23 & 1);
}
#endif

// Calls f(kernels) for the available sets, best first, until it returns true.
template <class F> void each_available(F f) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
    [[maybe_unused]] const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    [[maybe_unused]] const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                                         __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                                         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
    [[maybe_unused]] const bool vnni = avx512 && __builtin_cpu_supports("avx512vnni");
#if FOVEA_WITH_AVX512FP16
    if (vnni && has_avx512fp16() && f(avx512fp16_kernels())) return;
#endif
#if FOVEA_WITH_AVX512VNNI
    if (vnni && f(avx512vnni_kernels())) return;
#endif
#if FOVEA_WITH_AVX512
    if (avx512 && f(detail::avx512_kernels)) return;
#endif
#if FOVEA_WITH_AVX2
    if (avx2 && f(detail::avx2_kernels)) return;
#endif
    f(detail::baseline_kernels);
#elif defined(__aarch64__)
    f(detail::neon_kernels);
#else
    f(detail::baseline_kernels);
#endif
}

const kernel_table& choose() {
    const char* wanted = std::getenv("FOVEA_ISA");
    if (wanted && *wanted) {
        if (const kernel_table* kernels = kernels_of(wanted)) return *kernels;
        std::string names;
        each_available([&](const kernel_table& kernels) {
            names += text_of(names.empty() ? "" : ", ", kernels.name);
            return false;
        });
        fail("FOVEA_ISA=", wanted, ": not an instruction set that this program has and this machine runs; choose of ",
             names);
    }
    const kernel_table* best = nullptr;
    each_available([&](const kernel_table& kernels) {
        best = &kernels;
        return true;
    });
    return *best;
}

} // namespace

const kernel_table* kernels_of(std::string_view instruction_set) {
    const kernel_table* found = nullptr;
    each_available([&](const kernel_table& kernels) {
        if (instruction_set == kernels.name) found = &kernels;
        return found != nullptr;
    });
    return found;
}

const kernel_table& dispatched_kernels() {
    static const kernel_table& chosen = choose();
    return chosen;
}

} // namespace fovea
