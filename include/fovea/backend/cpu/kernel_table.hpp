// The CPU kernels of one instruction set, for choosing a set at run time: a pointer for each line of kernel_list.hpp.
#pragma once
#include <string_view>

#include "fovea/backend/cpu/kernel_list.hpp"

namespace fovea {

struct kernel_table {
    const char* name = ""; // avx512fp16, avx512vnni, avx512, avx2, neon, baseline
#define FOVEA_DETAIL_MEMBER(kernel_name, type) type kernel_name = nullptr;
    FOVEA_CPU_KERNELS(FOVEA_DETAIL_MEMBER)
#undef FOVEA_DETAIL_MEMBER
};

// The kernels for this machine, chosen once: the best set that it can run, or the one that the environment variable
// FOVEA_ISA names. Throws fovea::error where FOVEA_ISA names none that is built in and can run here. Defined in the
// library fovea::dispatch.
const kernel_table& dispatched_kernels();

// The kernels of one instruction set, or null where they are not built in or cannot run here. Also in fovea::dispatch.
const kernel_table* kernels_of(std::string_view instruction_set);

} // namespace fovea
