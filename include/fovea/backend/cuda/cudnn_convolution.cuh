// y = f(conv(x, w) + b) + skip as one graph of cuDNN, in bf16 or fp16 with float32 sums, or float32 in TF32.
//
// x (N,H,W,I), w (O,K,K,I/groups), b (O), y and skip (N,H',W',O); all numbers of one type, dense or with longer rows.
#pragma once
#include <algorithm>
#include <array>
#include <optional>

#include "fovea/backend/cuda/cudnn_descriptor.cuh"
#include "fovea/graph/kernel.hpp"

namespace fovea {

// Everything that a plan depends on, comparable: the key of a cache.
struct cudnn_convolution_key {
    cudnnDataType_t type = CUDNN_DATA_BFLOAT16;
    int batch = 1, height = 0, width = 0, inputs = 0, outputs = 0; // of x; of y the channels
    int kernel = 1, stride = 1, dilation = 1, groups = 1, offset = 0;
    activation_kind activation = activation_kind::identity;
    float slope = 0; // of leaky_relu
    bool bias = false, skip = false;
    auto operator<=>(const cudnn_convolution_key&) const = default;

    int padding() const { return kernel / 2 * dilation - offset; }
    int out(int size) const { return (size - 1 - 2 * offset) / stride + 1; }
};

// Whether cuDNN has engines for convolutions with that activation.
constexpr bool cudnn_has(activation_kind a) { return a != activation_kind::custom && a != activation_kind::unit_range; }

class cudnn_convolution_graph {
  public:
    enum tensor : std::int64_t { x = 1, w, b, skip, y }; // as the pointers of a run are named

    // handle: null where there is no device, only a description of one.
    explicit cudnn_convolution_graph(const cudnn_convolution_key& key, cudnnHandle_t handle = nullptr) : key_(key) {
        const int h = key.out(key.height), v = key.out(key.width);
        add_tensor(x, {key.batch, key.inputs, key.height, key.width}, key.type);
        add_tensor(w, {key.outputs, key.inputs / key.groups, key.kernel, key.kernel}, key.type);
        const std::array<std::int64_t, 4> result{key.batch, key.outputs, h, v};
        const bool activated = key.activation != activation_kind::identity;
        std::int64_t now = key.bias || activated || key.skip ? next_virtual(result) : add_tensor(y, result, key.type);
        add_convolution(now);
        if (key.bias) {
            add_tensor(b, {1, key.outputs, 1, 1}, key.type);
            now = step(CUDNN_POINTWISE_ADD, now, b, result, !activated && !key.skip);
        }
        if (activated) now = step(mode(), now, 0, result, !key.skip);
        if (key.skip) {
            add_tensor(skip, result, key.type);
            now = step(CUDNN_POINTWISE_ADD, now, skip, result, true);
        }
        finish(handle);
    }

    const cudnn_descriptor& operations() const { return *graph_; }

  private:
    // (N,C,H,W) as cuDNN counts, in memory (N,H,W,C).
    std::int64_t add_tensor(std::int64_t id, std::array<std::int64_t, 4> dims, cudnnDataType_t type,
                            bool is_virtual = false) {
        const auto [n, c, h, v] = dims;
        const std::array<std::int64_t, 4> strides{h * v * c, 1, v * c, c};
        cudnn_descriptor d(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
        d.set(CUDNN_ATTR_TENSOR_DATA_TYPE, type)
            .set(CUDNN_ATTR_TENSOR_DIMENSIONS, dims.data(), dims.size())
            .set(CUDNN_ATTR_TENSOR_STRIDES, strides.data(), strides.size())
            .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id)
            .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, alignment)
            .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, is_virtual);
        tensors_.emplace_back(id, std::move(d).finished());
        return id;
    }
    std::int64_t next_virtual(std::array<std::int64_t, 4> dims) {
        return add_tensor(std::int64_t(100 + tensors_.size()), dims, CUDNN_DATA_FLOAT, true);
    }
    const cudnn_descriptor& at(std::int64_t id) const {
        return std::find_if(tensors_.begin(), tensors_.end(), [&](auto& t) { return t.first == id; })->second;
    }

    void add_convolution(std::int64_t to) {
        const auto both = [](int n) { return std::vector<std::int64_t>{n, n}; };
        cudnn_descriptor how(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
        how.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT)
            .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
            .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t(2))
            .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, both(key_.dilation))
            .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, both(key_.stride))
            .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, both(key_.padding()))
            .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, both(key_.padding()));
        parts_.push_back(std::move(how).finished());
        cudnn_descriptor o(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
        o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, parts_.back())
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, at(x))
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, at(w))
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, at(to))
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.0)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.0);
        operations_.push_back(std::move(o).finished());
    }

    cudnnPointwiseMode_t mode() const {
        switch (key_.activation) {
            case activation_kind::silu:
                return CUDNN_POINTWISE_SWISH_FWD;
            case activation_kind::gelu:
                return CUDNN_POINTWISE_GELU_FWD;
            default: // relu, with a slope below or without
                return CUDNN_POINTWISE_RELU_FWD;
        }
    }

    // One step behind the convolution, of one tensor or of two; returns what it gives.
    std::int64_t step(cudnnPointwiseMode_t what, std::int64_t from, std::int64_t second,
                      std::array<std::int64_t, 4> dims, bool last) {
        const std::int64_t to = last ? add_tensor(y, dims, key_.type) : next_virtual(dims);
        cudnn_descriptor how(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
        how.set(CUDNN_ATTR_POINTWISE_MODE, what).set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
        if (what == CUDNN_POINTWISE_SWISH_FWD) how.set(CUDNN_ATTR_POINTWISE_SWISH_BETA, 1.0);
        if (what == CUDNN_POINTWISE_RELU_FWD && key_.activation == activation_kind::leaky_relu)
            how.set(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, double(key_.slope));
        parts_.push_back(std::move(how).finished());
        cudnn_descriptor o(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
        o.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, parts_.back())
            .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, at(from));
        if (second) o.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, at(second));
        o.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, at(to));
        operations_.push_back(std::move(o).finished());
        return to;
    }

    void finish(cudnnHandle_t handle) {
        std::vector<cudnnBackendDescriptor_t> all;
        for (auto& o : operations_) all.push_back(o.raw());
        cudnn_descriptor g(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
        g.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, all);
        if (handle) g.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle);
        graph_ = std::move(g).finished();
    }

    static constexpr std::int64_t alignment = 16;
    cudnn_convolution_key key_;
    std::vector<std::pair<std::int64_t, cudnn_descriptor>> tensors_;
    std::vector<cudnn_descriptor> parts_, operations_;
    std::optional<cudnn_descriptor> graph_;
};

} // namespace fovea
