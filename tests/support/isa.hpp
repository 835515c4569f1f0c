// Instruction sets of this machine.
#pragma once
#include <cstdio>
#include <cstdlib>

#include "fovea/backend/cpu/kernel_table.hpp"
#include "support/data.hpp"

namespace fovea_test {

// Whether the instruction set that FOVEA_ISA names, if it names one, is one that this machine has.
inline bool has_chosen_isa() {
    try {
        fovea::dispatched_kernels();
        return true;
    } catch (const fovea::error& e) {
        std::printf("skipped: %s\n", e.what());
        return false;
    }
}

} // namespace fovea_test

// First line of a test case that may run under FOVEA_ISA: leaves it as skipped where the machine lacks that set.
#define FOVEA_NEEDS_ISA()                  \
    if (!::fovea_test::has_chosen_isa()) { \
        ::fovea_test::skipped = true;      \
        return;                            \
    }
