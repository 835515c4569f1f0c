// safetensors (github.com/huggingface/safetensors): the length of a JSON header in 8 bytes, the header, the bytes of
// the tensors.
//
// Reading is strict: every tensor has type, shape and range, the ranges fill the rest of the file without gaps or
// overlaps, and fovea's own checksum, if present, must match. Writing keeps the order of the tensors in the header and
// aligns their bytes; equal tensors and metadata give equal bytes. Of a tensor_file only tensors and metadata are
// written, because the format has no place for other values.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/core/error.hpp"
#include "fovea/io/atomic_file.hpp"
#include "fovea/io/byte_reader.hpp"
#include "fovea/io/json.hpp"
#include "fovea/io/weights/checksum.hpp"
#include "fovea/io/weights/tensor_file.hpp"

namespace fovea {
namespace detail {

inline constexpr std::uint64_t longest_safetensors_header = 100'000'000;

// Returns whether the file begins with a header length that fits the file, followed by '{'.
inline bool is_safetensors(std::span<const std::byte> file) {
    if (file.size() < 9) return false;
    std::uint64_t length;
    std::memcpy(&length, file.data(), 8);
    return length > 0 && length <= longest_safetensors_header && file[8] == std::byte{'{'};
}

inline std::optional<dtype> dtype_named(std::string_view name) {
    for (int i = 0; i <= static_cast<int>(dtype::f64); ++i)
        if (name_of(static_cast<dtype>(i)) == name) return static_cast<dtype>(i);
    return std::nullopt;
}

struct safetensors_range {
    std::uint64_t begin = 0, end = 0; // offsets in the bytes after the header
};

class safetensors_reader {
  public:
    safetensors_reader(std::span<const std::byte> file, std::string source) : in_(file, std::move(source)) {}

    tensor_file read() {
        tensor_file result;
        result.source = in_.source();
        const auto length = in_.number<std::uint64_t>();
        if (length > longest_safetensors_header || length > in_.left())
            fail(in_.source(), ": its header claims ", length, " bytes where ", in_.left(), " are left");
        const json_value header = json_parser::read(text_of_bytes(in_.take(length)), in_.source());
        if (header.type != json_value::kind::object) fail(in_.source(), ": its header is not a JSON object");
        bytes_ = in_.take(in_.left());

        std::vector<safetensors_range> ranges;
        for (std::size_t i = 0; i < header.items.size(); ++i) {
            if (header.keys[i] == "__metadata__")
                read_metadata(header.items[i], result);
            else
                ranges.push_back(describe(header.keys[i], header.items[i]));
        }
        check_filled(ranges);
        std::size_t which = 0;
        for (stored_tensor& tensor : described_) {
            const auto part = bytes_.subspan(static_cast<std::size_t>(ranges[which].begin),
                                             static_cast<std::size_t>(ranges[which].end - ranges[which].begin));
            tensor.bytes.assign(part.begin(), part.end());
            result.add(std::move(tensor));
            ++which;
        }
        check_checksum(result);
        return result;
    }

  private:
    template <class... Parts> [[noreturn]] void fail_tensor(const std::string& name, const Parts&... parts) const {
        fail(in_.source(), ": tensor ", printable(name), ": ", parts...);
    }

    void read_metadata(const json_value& value, tensor_file& result) const {
        if (value.type != json_value::kind::object) fail(in_.source(), ": __metadata__ is not a JSON object");
        for (std::size_t i = 0; i < value.items.size(); ++i) {
            const std::string* text = value.items[i].text();
            if (!text) fail(in_.source(), ": __metadata__: ", printable(value.keys[i]), " is not a text");
            result.metadata.emplace(value.keys[i], *text);
        }
    }

    // Parses {"dtype": "F32", "shape": [64,3,3,3], "data_offsets": [begin, end]}.
    safetensors_range describe(const std::string& name, const json_value& value) {
        const json_value *type = value.find("dtype"), *shape = value.find("shape"), *range = value.find("data_offsets");
        if (!type || !shape || !range || value.items.size() != 3)
            fail_tensor(name, "expected exactly dtype, shape and data_offsets");
        const auto known = type->text() ? dtype_named(*type->text()) : std::nullopt;
        if (!known)
            fail_tensor(name, "its dtype ", type->text() ? printable(*type->text()) : "", " is not one that is read");
        stored_tensor tensor{name, *known, integers(name, *shape, "shape"), {}};
        const auto offsets = integers(name, *range, "data_offsets");
        if (offsets.size() != 2 || offsets[0] > offsets[1] || static_cast<std::uint64_t>(offsets[1]) > bytes_.size())
            fail_tensor(name, "its data_offsets do not lie within the ", bytes_.size(), " bytes of the file");
        const auto begin = static_cast<std::uint64_t>(offsets[0]), end = static_cast<std::uint64_t>(offsets[1]);
        const std::uint64_t size = bytes_of(*known);
        if (tensor.size() < 0 || (end - begin) % size != 0 ||
            static_cast<std::uint64_t>(tensor.size()) != (end - begin) / size)
            fail_tensor(name, "shape ", text_of_shape(tensor.shape), " of ", name_of(*known), " does not fit its ",
                        end - begin, " bytes");
        described_.push_back(std::move(tensor));
        return {begin, end};
    }

    std::vector<std::int64_t> integers(const std::string& name, const json_value& array, std::string_view what) const {
        if (array.type != json_value::kind::array) fail_tensor(name, what, " is not a list");
        std::vector<std::int64_t> values;
        for (const json_value& item : array.items) {
            const std::int64_t* value = item.integer();
            if (!value || *value < 0) fail_tensor(name, what, " holds something else than integers of at least 0");
            values.push_back(*value);
        }
        return values;
    }

    void check_filled(std::vector<safetensors_range> ranges) const {
        std::sort(ranges.begin(), ranges.end(),
                  [](const auto& a, const auto& b) { return a.begin != b.begin ? a.begin < b.begin : a.end < b.end; });
        std::uint64_t filled = 0;
        for (const auto& range : ranges) {
            if (range.begin != filled)
                fail(in_.source(), ": the tensors' bytes ", range.begin < filled ? "overlap" : "leave a gap",
                     " at byte ", std::min(range.begin, filled), " of the data");
            filled = range.end;
        }
        if (filled != bytes_.size())
            fail(in_.source(), ": holds ", bytes_.size(), " bytes of data; its header describes ", filled);
    }

    byte_reader in_;
    std::span<const std::byte> bytes_;
    std::vector<stored_tensor> described_; // still without their bytes
};

// Orders the tensors by descending element size, so that each is aligned to its element size.
inline std::vector<const stored_tensor*> by_alignment(const tensor_file& file) {
    std::vector<const stored_tensor*> order;
    for (const stored_tensor& tensor : file.tensors()) order.push_back(&tensor);
    std::stable_sort(order.begin(), order.end(),
                     [](const auto* a, const auto* b) { return bytes_of(a->type) > bytes_of(b->type); });
    return order;
}

inline std::string safetensors_header(const tensor_file& file, const std::vector<std::uint64_t>& begins) {
    std::string header = "{";
    if (!file.metadata.empty()) {
        header += "\"__metadata__\":{";
        for (const auto& [key, text] : file.metadata) {
            if (header.back() != '{') header += ',';
            append_json_string(header, key);
            header += ':';
            append_json_string(header, text);
        }
        header += '}';
    }
    for (std::size_t i = 0; i < begins.size(); ++i) {
        const stored_tensor& tensor = file.tensors()[i];
        if (tensor.name == "__metadata__") fail("a tensor cannot be called __metadata__ in a safetensors file");
        if (header.size() > 1) header += ',';
        append_json_string(header, tensor.name);
        std::string shape = text_of_shape(tensor.shape);
        shape.front() = '[', shape.back() = ']';
        header += text_of(":{\"dtype\":\"", name_of(tensor.type), "\",\"shape\":", shape, ",\"data_offsets\":[",
                          begins[i], ",", begins[i] + tensor.bytes.size(), "]}");
    }
    header += '}';
    header.resize((header.size() + 7) / 8 * 8, ' '); // so that the data begin at a multiple of 8
    return header;
}

} // namespace detail

// Reads the bytes of a safetensors file; `source` names it in errors. Throws if it is damaged.
inline tensor_file read_safetensors(std::span<const std::byte> file, const std::string& source) {
    return detail::safetensors_reader(file, source).read();
}

// Returns the bytes of a safetensors file with the tensors and metadata of `file`.
inline std::vector<std::byte> safetensors_bytes(const tensor_file& file) {
    const auto order = detail::by_alignment(file);
    std::vector<std::uint64_t> begins(order.size());
    std::uint64_t end = 0;
    for (const stored_tensor* tensor : order) {
        begins[static_cast<std::size_t>(tensor - file.tensors().data())] = end;
        end += tensor->bytes.size();
    }
    const std::string header = detail::safetensors_header(file, begins);
    const std::uint64_t length = header.size();
    std::vector<std::byte> bytes(8 + header.size() + static_cast<std::size_t>(end));
    auto at = bytes.begin();
    const auto append = [&](std::span<const std::byte> part) { at = std::copy(part.begin(), part.end(), at); };
    append(std::as_bytes(std::span(&length, 1)));
    append(std::as_bytes(std::span(header)));
    for (const stored_tensor* tensor : order) append(tensor->bytes);
    return bytes;
}

// Writes the file atomically (io/atomic_file.hpp): `path` is either complete or unchanged.
inline void write_safetensors(const std::filesystem::path& path, const tensor_file& file) {
    write_file_atomically(path, safetensors_bytes(file));
}

} // namespace fovea
