// The contents of a PyTorch pickle: plain values, storages and the tensors that view them; and the list of all global
// names that are understood. Everything else is `foreign`: only its name is kept.
#pragma once
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/io/weights/dtype.hpp"

namespace fovea::detail {

enum class pickle_kind : std::uint8_t {
    none,
    boolean,
    integer,
    real,
    text,
    bytes,
    tuple,
    list,
    dictionary,
    global,
    storage,
    tensor,
    foreign
};

using pickle_id = std::uint32_t; // index of a pickle_node; values may be shared and may contain themselves

struct pickle_node {
    pickle_kind kind = pickle_kind::none;
    bool called = false;      // foreign: the result of a call, not the name itself
    bool module = false;      // foreign: a whole network, with its code
    std::int64_t integer = 0; // integer, boolean: the value; global, storage, tensor, foreign: an index
    double real = 0;
    std::string_view text;        // text, bytes: a view of the pickle
    std::vector<pickle_id> items; // tuple, list; dictionary: key, value, key, value ...
};

// A flat array of elements; tensors are views of it.
struct torch_storage {
    std::string_view key; // name of its bytes in the file; a view of the pickle
    dtype type = dtype::f32;
    std::uint64_t count = 0; // number of elements
};

// Element (i, j, ...) is at offset + i * strides[0] + j * strides[1] + ... of the storage, counted in elements.
struct torch_view {
    std::size_t storage = 0;
    std::uint64_t offset = 0;
    std::vector<std::int64_t> shape, strides;
};

// A name that is not understood: a class, a function, or, with an empty module, a kind of value such as "set".
struct foreign_name {
    std::string_view module, name;

    bool is_builtin() const { return module.empty() || module == "builtins" || module == "__builtin__"; }
    std::string text() const {
        return is_builtin() ? std::string(name) : std::string(module) + "." + std::string(name);
    }
};

struct pickle_value {
    std::vector<pickle_node> nodes;
    std::vector<torch_storage> storages;
    std::vector<torch_view> tensors;
    std::vector<foreign_name> foreign;
    pickle_id root = 0;
    std::size_t length = 0; // bytes of the pickle
};

enum class torch_global : std::uint8_t {
    rebuild_tensor,
    rebuild_tensor_v2,
    rebuild_parameter,
    rebuild_from_type, // a tensor of a subclass, or one with attributes
    dictionary,
    default_dictionary,
    size,
    tensor_type, // a class whose instances are plain tensors
    storage
};

struct torch_global_name {
    std::string_view module, name;
    torch_global meaning;
    dtype type = dtype::f32; // element type of a storage
};

inline constexpr torch_global_name torch_globals[] = {
    {"torch._utils", "_rebuild_tensor", torch_global::rebuild_tensor},
    {"torch._utils", "_rebuild_tensor_v2", torch_global::rebuild_tensor_v2},
    {"torch._utils", "_rebuild_parameter", torch_global::rebuild_parameter},
    {"torch._utils", "_rebuild_parameter_with_state", torch_global::rebuild_parameter},
    {"torch._tensor", "_rebuild_from_type", torch_global::rebuild_from_type},
    {"torch._tensor", "_rebuild_from_type_v2", torch_global::rebuild_from_type},
    {"collections", "OrderedDict", torch_global::dictionary},
    {"collections", "defaultdict", torch_global::default_dictionary},
    {"torch", "Size", torch_global::size},
    {"torch", "Tensor", torch_global::tensor_type},
    {"torch.nn.parameter", "Parameter", torch_global::tensor_type},
    {"torch.nn.parameter", "Buffer", torch_global::tensor_type},
    {"torch", "FloatStorage", torch_global::storage, dtype::f32},
    {"torch", "HalfStorage", torch_global::storage, dtype::f16},
    {"torch", "BFloat16Storage", torch_global::storage, dtype::bf16},
    {"torch", "DoubleStorage", torch_global::storage, dtype::f64},
    {"torch", "LongStorage", torch_global::storage, dtype::i64},
    {"torch", "IntStorage", torch_global::storage, dtype::i32},
    {"torch", "ShortStorage", torch_global::storage, dtype::i16},
    {"torch", "CharStorage", torch_global::storage, dtype::i8},
    {"torch", "ByteStorage", torch_global::storage, dtype::u8},
    {"torch", "BoolStorage", torch_global::storage, dtype::boolean},
};

// Returns the index in torch_globals, if the name is there.
inline std::optional<std::size_t> find_torch_global(std::string_view module, std::string_view name) {
    for (std::size_t i = 0; i < std::size(torch_globals); ++i)
        if (torch_globals[i].module == module && torch_globals[i].name == name) return i;
    return std::nullopt;
}

} // namespace fovea::detail
