// Shares a file of tensors of process 0 with all processes.
#pragma once
#include "fovea/distributed/training_group.hpp"
#include "fovea/io/weights/safetensors.hpp"

namespace fovea {

// Calls make() in process 0 and returns its result in all processes. Without a group there is one process.
template <class F> tensor_file shared_file(training_group* group, F make) {
    if (!group) return make();
    tensor_file file;
    if (group->is_first()) file = make();
    std::vector<std::byte> bytes = group->is_first() ? safetensors_bytes(file) : std::vector<std::byte>();
    share(*group, bytes);
    return group->is_first() ? std::move(file) : read_safetensors(bytes, "what process 0 has read");
}

} // namespace fovea
