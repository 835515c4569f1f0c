// Tests that need a GPU.
#pragma once
#include "fovea/backend/cuda/device.cuh"
#include "support/data.hpp"

namespace fovea_test {

// Whether there is one; where there is none, the test counts as skipped.
inline bool has_gpu() {
    const auto found = fovea::find_gpus();
    if (found.count > 0) return true;
    skipped = true;
    std::printf("skipped: needs a GPU: %s\n", found.reason.c_str());
    return false;
}

} // namespace fovea_test

// First line of a test case that needs a GPU.
#define FOVEA_NEEDS_GPU() \
    if (!::fovea_test::has_gpu()) return
