// FOVEA_CPU_KERNEL(convolution) is a pointer to the CPU kernel of that name (kernel_list.hpp). Where FOVEA_DISPATCH is
// set it comes from the library fovea::dispatch, which chooses an instruction set when it is first asked. Else it is
// the kernel of this translation unit's instruction set, so that kernels nobody uses cost nothing.
#pragma once
#include "fovea/backend/cpu/kernel_table.hpp"

#if FOVEA_DISPATCH
#define FOVEA_CPU_KERNEL(kernel_name) (::fovea::dispatched_kernels().kernel_name)
#else
#include "fovea/backend/cpu/kernels.hpp"
#define FOVEA_CPU_KERNEL(kernel_name) \
    (static_cast<decltype(::fovea::kernel_table::kernel_name)>(&::fovea::FOVEA_ISA::kernel_name))
#endif
