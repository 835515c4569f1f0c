// y = f(conv(x, w) + b) + skip, or a gradient of the convolution, as a graph of cuDNN. Inputs are bf16, fp16, or
// float32, which is rounded to TF32; sums are in float32; y, skip and other results may have any format.
#pragma once
#include <algorithm>
#include <array>
#include <optional>

#include "fovea/backend/cuda/convolution_shape.hpp"
#include "fovea/backend/cuda/cudnn_descriptor.cuh"

namespace fovea {

// Returns whether cuDNN has engines for convolutions with that activation.
constexpr bool cudnn_has(activation_kind a) { return a != activation_kind::custom && a != activation_kind::unit_range; }

constexpr cudnnDataType_t cudnn_type(number_format f) {
    return f == number_format::bfloat16  ? CUDNN_DATA_BFLOAT16
           : f == number_format::float16 ? CUDNN_DATA_HALF
                                         : CUDNN_DATA_FLOAT;
}

class cudnn_convolution_graph {
  public:
    enum tensor : std::int64_t { x = 1, w, b, skip, y, before }; // identifiers of the tensors in a graph

    // filters: the format of w. handle: null if there is no device but only a description of one.
    cudnn_convolution_graph(const convolution_shape& shape, number_format filters, cudnnHandle_t handle = nullptr)
        : shape_(shape), filters_(filters) {
        switch (shape.pass) {
            case convolution_pass::values:
                add_values();
                break;
            case convolution_pass::input_gradient:
                add_input_gradient();
                break;
            case convolution_pass::weight_gradient:
                add_weight_gradient();
                break;
        }
        finish(handle);
    }

    const cudnn_descriptor& operations() const { return *graph_; }

  private:
    using dimensions = std::array<std::int64_t, 4>; // (N,C,H,W), cuDNN's order
    static constexpr int most_aligned = 16;

    // cuDNN writes another format than that of its inputs only if a pointwise operation, possibly the identity, follows
    // the convolution.
    void add_values() {
        const convolution_shape& s = shape_;
        add_x(), add_w();
        if (s.role == activation_role::differentiated) {
            const std::int64_t now = next_virtual(size_of_y());
            add_convolution(now);
            return add_slopes(now, size_of_y(), [this] { return add_y(); });
        }
        const bool keeps = s.role == activation_role::kept;
        const auto add_before = [&] {
            return keeps ? add_tensor(before, size_of_y(), s.before) : next_virtual(size_of_y());
        };
        const bool activated = s.activation != activation_kind::identity || (!s.skips && s.x.format != s.y.format);
        const bool more = activated || s.skips;
        std::int64_t now = s.bias ? next_virtual(size_of_y()) : more ? add_before() : add_y();
        add_convolution(now);
        if (s.bias) now = step(CUDNN_POINTWISE_ADD, now, add_sums(s.outputs), more ? add_before() : add_y());
        if (activated) now = step(mode(), now, 0, s.skips ? next_virtual(size_of_y()) : add_y());
        if (s.skips) step(CUDNN_POINTWISE_ADD, now, add_tensor(skip, size_of_y(), s.skip), add_y());
    }
    void add_input_gradient() {
        add_y(), add_w();
        const bool differentiates = shape_.role == activation_role::differentiated;
        const std::int64_t now = shape_.skips || differentiates ? next_virtual(size_of_x()) : add_x();
        cudnn_descriptor o(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR);
        o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, geometry())
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, at(y))
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, at(w))
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, at(now))
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, 1.0)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, 0.0);
        operations_.push_back(std::move(o).finished());
        if (differentiates) return add_slopes(now, size_of_x(), [this] { return add_x(); });
        if (shape_.skips) step(CUDNN_POINTWISE_ADD, now, add_tensor(skip, size_of_x(), shape_.skip), add_x());
    }
    // Multiplies the gradient `from` by the activation's slope, and sums the result if it is a bias gradient.
    template <class Result> void add_slopes(std::int64_t from, const dimensions& size, Result add_result) {
        add_tensor(before, size, shape_.before);
        const std::int64_t to = add_result();
        cudnn_descriptor o(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
        o.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, pointwise(slope_mode()))
            .set(CUDNN_ATTR_OPERATION_POINTWISE_DYDESC, at(from))
            .set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, at(before))
            .set(CUDNN_ATTR_OPERATION_POINTWISE_DXDESC, at(to));
        operations_.push_back(std::move(o).finished());
        if (!shape_.bias) return;
        cudnn_descriptor how(CUDNN_BACKEND_REDUCTION_DESCRIPTOR);
        how.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_REDUCE_TENSOR_ADD)
            .set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_DATA_FLOAT);
        parts_.push_back(std::move(how).finished());
        const std::int64_t sums = add_sums(int(size[1]));
        cudnn_descriptor sum(CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR);
        sum.set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, parts_.back())
            .set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, at(to))
            .set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, at(sums));
        operations_.push_back(std::move(sum).finished());
    }
    void add_weight_gradient() {
        add_x(), add_y();
        const bool widened = filters_ != shape_.x.format;
        const std::int64_t now = widened ? next_virtual(size_of_w()) : add_w();
        cudnn_descriptor o(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR);
        o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, geometry())
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, at(x))
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, at(y))
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, at(now))
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, 1.0)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, 0.0);
        operations_.push_back(std::move(o).finished());
        if (widened) step(CUDNN_POINTWISE_IDENTITY, now, 0, add_w());
    }

    // Adds a tensor that is (N,H,W,C) in memory.
    std::int64_t add_tensor(std::int64_t id, dimensions dims, const convolution_shape::tensor& t,
                            bool is_virtual = false) {
        const dimensions strides{t.image_stride, 1, t.row_stride, dims[1]};
        cudnn_descriptor d(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
        d.set(CUDNN_ATTR_TENSOR_DATA_TYPE, cudnn_type(t.format))
            .set(CUDNN_ATTR_TENSOR_DIMENSIONS, dims.data(), dims.size())
            .set(CUDNN_ATTR_TENSOR_STRIDES, strides.data(), strides.size())
            .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, id)
            .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, std::int64_t(t.alignment))
            .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, is_virtual);
        tensors_.emplace_back(id, std::move(d).finished());
        return id;
    }
    dimensions size_of_x() const { return {shape_.batch, shape_.inputs, shape_.height, shape_.width}; }
    dimensions size_of_w() const {
        return {shape_.outputs, shape_.inputs / shape_.groups, shape_.kernel, shape_.kernel};
    }
    dimensions size_of_y() const { return {shape_.batch, shape_.outputs, shape_.out_height, shape_.out_width}; }
    static convolution_shape::tensor without_gaps(number_format f, const dimensions& d) {
        const auto row = std::ptrdiff_t(d[3] * d[1]);
        return {f, row, row * std::ptrdiff_t(d[2]), most_aligned};
    }
    std::int64_t add_x() { return add_tensor(x, size_of_x(), shape_.x); }
    std::int64_t add_w() { return add_tensor(w, size_of_w(), without_gaps(filters_, size_of_w())); }
    std::int64_t add_y() { return add_tensor(y, size_of_y(), shape_.y); }
    std::int64_t add_sums(int channels) { // one number for each channel
        return add_tensor(b, {1, channels, 1, 1}, {number_format::float32, channels, channels, most_aligned});
    }
    std::int64_t next_virtual(const dimensions& size) {
        return add_tensor(std::int64_t(100 + tensors_.size()), size, without_gaps(number_format::float32, size), true);
    }
    const cudnn_descriptor& at(std::int64_t id) const {
        return std::find_if(tensors_.begin(), tensors_.end(), [&](auto& t) { return t.first == id; })->second;
    }

    const cudnn_descriptor& geometry() {
        const auto both = [](int down, int along) { return std::vector<std::int64_t>{down, along}; };
        const convolution_shape& s = shape_;
        cudnn_descriptor how(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
        how.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_DATA_FLOAT)
            .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
            .set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, std::int64_t(2))
            .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, both(s.dilation, s.dilation))
            .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, both(s.stride, s.stride))
            .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, both(s.top, s.left))
            .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, both(s.bottom, s.right));
        parts_.push_back(std::move(how).finished());
        return parts_.back();
    }
    void add_convolution(std::int64_t to) {
        cudnn_descriptor o(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);
        o.set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, geometry())
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, at(x))
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, at(w))
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, at(to))
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.0)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.0);
        operations_.push_back(std::move(o).finished());
    }

    cudnnPointwiseMode_t mode() const {
        switch (shape_.activation) {
            case activation_kind::silu:
                return CUDNN_POINTWISE_SWISH_FWD;
            case activation_kind::gelu:
                return CUDNN_POINTWISE_GELU_FWD;
            case activation_kind::identity:
                return CUDNN_POINTWISE_IDENTITY;
            default: // relu and leaky_relu
                return CUDNN_POINTWISE_RELU_FWD;
        }
    }

    cudnnPointwiseMode_t slope_mode() const {
        switch (shape_.activation) {
            case activation_kind::silu:
                return CUDNN_POINTWISE_SWISH_BWD;
            case activation_kind::gelu:
                return CUDNN_POINTWISE_GELU_BWD;
            default: // relu and leaky_relu
                return CUDNN_POINTWISE_RELU_BWD;
        }
    }

    const cudnn_descriptor& pointwise(cudnnPointwiseMode_t what) {
        const bool swish = what == CUDNN_POINTWISE_SWISH_FWD || what == CUDNN_POINTWISE_SWISH_BWD,
                   relu = what == CUDNN_POINTWISE_RELU_FWD || what == CUDNN_POINTWISE_RELU_BWD;
        cudnn_descriptor how(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
        how.set(CUDNN_ATTR_POINTWISE_MODE, what).set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_DATA_FLOAT);
        if (swish) how.set(CUDNN_ATTR_POINTWISE_SWISH_BETA, 1.0);
        if (relu && shape_.activation == activation_kind::leaky_relu)
            how.set(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP_SLOPE, double(shape_.slope));
        parts_.push_back(std::move(how).finished());
        return parts_.back();
    }
    // Adds a pointwise operation on one tensor or two after the convolution; returns its result.
    std::int64_t step(cudnnPointwiseMode_t what, std::int64_t from, std::int64_t second, std::int64_t to) {
        cudnn_descriptor o(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
        o.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, pointwise(what))
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

    const convolution_shape shape_;
    const number_format filters_;
    std::vector<std::pair<std::int64_t, cudnn_descriptor>> tensors_;
    std::vector<cudnn_descriptor> parts_, operations_;
    std::optional<cudnn_descriptor> graph_;
};

} // namespace fovea
