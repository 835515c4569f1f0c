// The GPU's kernels as loops on the host, so that they are tested where there is none.
#pragma once
#include "fovea/backend/cuda/operations.hpp"

namespace fovea_test {

struct host_device {
    template <class Kernel> static void launch(void*, const Kernel& k, int blocks) {
        fovea::run_blocks_on_host(k, blocks);
    }
};
using device_on_host = fovea::on_device<host_device>;

} // namespace fovea_test
