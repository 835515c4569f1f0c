// A file of tensors that one process has and all are given.
#pragma once
#include "fovea/distributed/training_group.hpp"
#include "fovea/io/weights/safetensors.hpp"

namespace fovea {

// What make() gives in process 0, in all of them; without a group there is one process.
template <class F> tensor_file shared_file(training_group* group, F make) {
    if (!group) return make();
    tensor_file file;
    if (group->is_first()) file = make();
    std::vector<std::byte> bytes = group->is_first() ? safetensors_bytes(file) : std::vector<std::byte>();
    share(*group, bytes);
    return group->is_first() ? std::move(file) : read_safetensors(bytes, "what process 0 has read");
}

} // namespace fovea
