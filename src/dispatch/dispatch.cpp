// Chooses among the kernels that were built in. __builtin_cpu_supports also asks whether the operating system saves the
// registers.
#include <cstdlib>
#include <string_view>

#define FOVEA_DISPATCH_CHOOSES
#include "fovea/core/error.hpp"
#include "tables.hpp"

namespace fovea {
namespace {

struct choice {
    const kernel_table* kernels;
    bool available;
};

const kernel_table& choose() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    const choice choices[] = {
        {&detail::avx512_kernels, avx512}, {&detail::avx2_kernels, avx2}, {&detail::baseline_kernels, true}};
#elif defined(__aarch64__)
    const choice choices[] = {{&detail::neon_kernels, true}};
#else
    const choice choices[] = {{&detail::baseline_kernels, true}};
#endif
    const char* wanted = std::getenv("FOVEA_ISA");
    if (wanted && !*wanted) wanted = nullptr;
    std::string names;
    for (const auto& c : choices) {
        if (!c.available) continue;
        if (!wanted || std::string_view(wanted) == c.kernels->name) return *c.kernels;
        names += text_of(names.empty() ? "" : ", ", c.kernels->name);
    }
    fail("FOVEA_ISA=", wanted ? wanted : "",
         " names no instruction set that this program has and this machine runs: ", names);
}

} // namespace

const kernel_table& dispatched_kernels() {
    static const kernel_table& chosen = choose();
    return chosen;
}

} // namespace fovea
