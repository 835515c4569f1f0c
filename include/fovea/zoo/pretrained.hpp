// Networks that are built into the library, trained by its own programs (docs/pretrained.md). No file is read.
//
//   auto upscaler = fovea::zoo::pretrained<2, fovea::cpu>();      // x2, x4 or x8
//   image large = upscaler(small);
//
// Each is a SuperCool network whose weights take up to 300 KB of the program. fovea/fovea.hpp does not include this
// header, because programs that train their own networks do not need it.
#pragma once
#include <bit>
#include <cstring>

#include "fovea/io/weights/safetensors.hpp"
#include "fovea/zoo/load.hpp"
#include "fovea/zoo/pretrained/supercool_x2.hpp"
#include "fovea/zoo/pretrained/supercool_x4.hpp"
#include "fovea/zoo/pretrained/supercool_x8.hpp"

namespace fovea::zoo {

// The weights of a built-in network, as a weight file has them.
template <int Scale> tensor_file pretrained_weights() {
    static_assert(Scale == 2 || Scale == 4 || Scale == 8,
                  "fovea: pretrained: the networks that are built in enlarge 2, 4 and 8 times");
    static_assert(std::endian::native == std::endian::little, "fovea: embedded weights: not for this order of bytes");
    const auto read = [](const std::uint64_t* words, std::size_t bytes) {
        return read_safetensors({reinterpret_cast<const std::byte*>(words), bytes}, "the embedded weights");
    };
    if constexpr (Scale == 2)
        return read(supercool_x2, supercool_x2_bytes);
    else if constexpr (Scale == 4)
        return read(supercool_x4, supercool_x4_bytes);
    else
        return read(supercool_x8, supercool_x8_bytes);
}

template <int Scale, class Backend> upscaler pretrained(const model_options& o = {}) {
    return load<Backend>(pretrained_weights<Scale>(), o);
}

} // namespace fovea::zoo
