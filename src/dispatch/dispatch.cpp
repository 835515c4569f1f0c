// Chooses among the compiled kernels at run time. __builtin_cpu_supports also checks that the operating system saves
// the registers.
#include <cstdlib>
#include <string_view>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#define FOVEA_DISPATCH_CHOOSES 1
#include "fovea/core/error.hpp"
#include "kernel_set.hpp"

namespace fovea {
namespace {

// The kernels that a set has itself and those that it inherits.
kernel_table with_inherited(const detail::kernel_set& set) {
    if (!set.inherits) return set.own;
    kernel_table all = with_inherited(*set.inherits);
    all.name = set.own.name;
#define FOVEA_DETAIL_REPLACE(kernel_name, type) \
    if (set.own.kernel_name) all.kernel_name = set.own.kernel_name;
    FOVEA_CPU_KERNELS(FOVEA_DETAIL_REPLACE)
#undef FOVEA_DETAIL_REPLACE
    return all;
}
template <const detail::kernel_set& Set> const kernel_table& kernels_in() {
    static const kernel_table all = with_inherited(Set);
    return all;
}

// ---- what this machine runs

[[maybe_unused]] bool any_machine() { return true; }
#if defined(__x86_64__) || defined(__i386__)
[[maybe_unused]] bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
[[maybe_unused]] bool has_avx512() {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
}
[[maybe_unused]] bool has_avx512vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }
// Not every compiler's __builtin_cpu_supports knows it. Its registers are those of AVX-512.
[[maybe_unused]] bool has_avx512fp16() {
    unsigned a, b, c, d;
    return has_avx512vnni() && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 23 & 1);
}
#endif

// ---- the sets that are built in

struct candidate {
    const kernel_table& (*kernels)();
    bool (*runs_here)();
};
constexpr candidate candidates[] = {
// the best first
#if FOVEA_WITH_AVX512FP16
    {kernels_in<detail::avx512fp16_set>, has_avx512fp16},
#endif
#if FOVEA_WITH_AVX512VNNI
    {kernels_in<detail::avx512vnni_set>, has_avx512vnni},
#endif
#if FOVEA_WITH_AVX512
    {kernels_in<detail::avx512_set>, has_avx512},
#endif
#if FOVEA_WITH_AVX2
    {kernels_in<detail::avx2_set>, has_avx2},
#endif
#if FOVEA_WITH_NEON
    {kernels_in<detail::neon_set>, any_machine},
#else
    {kernels_in<detail::baseline_set>, any_machine},
#endif
};

// f(kernels) for the sets that this machine runs, the best first, until it returns true.
template <class F> void each_available(F f) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
#endif
    for (const candidate& c : candidates)
        if (c.runs_here() && f(c.kernels())) return;
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
