// FOVEA_CPU_KERNEL(convolution) is a pointer to the CPU kernel of that name (a member of kernel_table): of the library
// fovea::dispatch where FOVEA_DISPATCH is set, else of this translation unit's instruction set, so that kernels nobody
// uses cost nothing.
#pragma once
#include "fovea/backend/cpu/kernel_table.hpp"

#if FOVEA_DISPATCH
#define FOVEA_CPU_KERNEL(kernel_name) (::fovea::dispatched_kernels().kernel_name)
#else
#include "fovea/backend/cpu/kernels.hpp"
#define FOVEA_CPU_KERNEL(kernel_name) (&::fovea::FOVEA_ISA::kernel_name)
#endif
