// A network as a table, one row an operation: what it is, where it is, its shapes, parameters, products, receptive
// radius, and how it is computed.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "fovea/graph/quantise.hpp"
#include "fovea/graph/receptive_field.hpp"

namespace fovea {

struct summary_row {
    std::string layer;     // "body.0.conv1": where its first weight belongs, or the layer whose result it is
    std::string operation; // "conv2d 3x3 silu"
    std::string kernel;    // how the backend computes it: "direct", "winograd 4x4", "int8", ...
    int channels = 0;      // shape of its result: (height, width, channels)
    extent size{};
    std::size_t parameters = 0; // numbers that are trained, each counted where it is first used
    double multiply_adds = 0;   // products with weights, for one image, whatever kernel computes them
    int radius = 0;             // receptive radius in pixels of the input; whole_image or more: all of them
    number_format format = number_format::float32; // of the result in memory
};

namespace detail {

constexpr std::string_view name_of(activation_kind a) {
    constexpr std::string_view names[] = {"", "relu", "leaky_relu", "silu", "gelu", "clamp", "own activation"};
    return names[std::size_t(a)];
}

// The parameters that weight w is made of, itself included.
inline void collect_parameters(const graph& g, int w, std::vector<int>& all) {
    if (w < 0) return;
    if (g.weights[std::size_t(w)].kind == weight_kind::parameter) all.push_back(w);
    for (auto& p : g.preparations)
        if (p.out == w)
            for (int from : p.w) collect_parameters(g, from, all);
}

inline std::string text_of_operation(const operation& o) {
    std::string text(o.op->name);
    if (o.a.kernel > 1) text += text_of(' ', o.a.kernel, 'x', o.a.kernel);
    if (o.a.stride > 1) text += text_of(" stride ", o.a.stride);
    if (o.a.dilation > 1) text += text_of(" dilation ", o.a.dilation);
    if (o.a.groups > 1) text += text_of(" groups ", o.a.groups);
    if (o.a.factor > 1) text += text_of(" x", o.a.factor);
    if (o.a.activation != activation_kind::identity) text += ' ', text += name_of(o.a.activation);
    if (o.x[1] >= 0 && o.w[0] >= 0) text += " + skip";
    return text;
}

inline std::string text_of_kernel(const operation& o) {
    if (!o.kernels) return "";
    if (!is_convolution(o)) return "";
    std::string text = o.a.method == convolution_method::winograd  ? text_of("winograd ", o.a.tile, 'x', o.a.tile)
                       : o.a.method == convolution_method::int8    ? "int8"
                       : o.a.method == convolution_method::library ? "library"
                                                                   : "direct";
    if (o.a.hidden > 0) text += ", fused block";
    if (o.a.halves) text += ", fp16 products";
    return text;
}

} // namespace detail

// For an input of that size.
inline std::vector<summary_row> summary_of(const graph& g, extent input) {
    const auto extents = extents_of(g, input);
    std::vector<char> counted(g.weights.size(), 0);
    std::vector<summary_row> rows;
    for (auto& o : g.operations) {
        const auto y = std::size_t(o.y);
        summary_row& row = rows.emplace_back();
        row.layer = layer_name(g, o);
        for (auto made = g.outputs.begin(); row.layer.empty() && made != g.outputs.end(); ++made)
            if (made->tensor == o.y) row.layer = g.scope_name(made->scope);
        if (row.layer.ends_with('.')) row.layer.pop_back();
        row.operation = detail::text_of_operation(o), row.kernel = detail::text_of_kernel(o);
        row.channels = g.tensors[y].channels, row.size = extents[y], row.format = g.tensors[y].format;
        row.radius = receptive_radius(g, o.y);
        std::vector<int> parameters;
        for (int w : o.w) detail::collect_parameters(g, w, parameters);
        std::ranges::sort(parameters);
        parameters.erase(std::unique(parameters.begin(), parameters.end()), parameters.end());
        for (int w : parameters) {
            const weight_shape& dims = g.weights[std::size_t(w)].dims;
            if (count(dims) > std::size_t(dims[0])) // no bias and no norm
                row.multiply_adds += double(count(dims)) * row.size.height * row.size.width;
            if (!std::exchange(counted[std::size_t(w)], 1)) row.parameters += count(dims);
        }
    }
    return rows;
}

// The table with a line for each row, and the sums in the last one.
inline std::string text_of_summary(const graph& g, extent input) {
    struct column {
        std::string title;
        bool right = false;
        std::vector<std::string> cells{};
    };
    std::vector<column> table{
        {"#", true},      {"layer"}, {"operation"}, {"result", true}, {"parameters", true}, {"multiply-adds", true},
        {"radius", true}, {"kernel"}};
    const auto millions = [](double n) {
        const double tenths = std::floor(n / 1e5 + 0.5);
        return text_of(std::int64_t(tenths) / 10, '.', std::int64_t(tenths) % 10, " M");
    };
    const auto add = [&](std::initializer_list<std::string> cells) {
        auto c = table.begin();
        for (auto& cell : cells) (c++)->cells.push_back(cell);
    };
    const auto shape = [](extent e, int channels) { return text_of(e.height, 'x', e.width, 'x', channels); };
    add({"", "", "input", shape(input, g.tensors.front().channels), "", "", "", ""});
    std::size_t parameters = 0;
    double products = 0;
    const auto rows = summary_of(g, input);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const summary_row& r = rows[i];
        parameters += r.parameters, products += r.multiply_adds;
        add({text_of(i), r.layer, r.operation,
             shape(r.size, r.channels) + (r.format == number_format::float32 ? "" : " 16-bit"),
             r.parameters ? text_of(r.parameters) : "", r.multiply_adds > 0 ? millions(r.multiply_adds) : "",
             r.radius >= whole_image ? "all" : text_of(r.radius), r.kernel});
    }
    add({"", "", "sum", "", text_of(parameters), millions(products), "", ""});
    std::vector<std::string> lines(rows.size() + 3);
    for (auto& c : table) {
        std::size_t width = c.title.size();
        for (auto& cell : c.cells) width = std::max(width, cell.size());
        for (std::size_t i = 0; i < lines.size(); ++i) {
            const std::string& cell = i == 0 ? c.title : c.cells[i - 1];
            const std::string space(width - cell.size(), ' ');
            lines[i] += (c.right ? space + cell : cell + space) + "  ";
        }
    }
    std::string text;
    for (auto& line : lines) text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    return text;
}

} // namespace fovea
