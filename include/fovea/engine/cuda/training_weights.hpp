// The weights of a network in training, in device memory: parameters, then buffers, contiguous; their gradients; a copy
// of the buffers; and weights that are prepared from parameters before a forward pass.
#pragma once
#include "fovea/engine/cuda/optimizer.hpp"
#include "fovea/engine/differentiate.hpp"

namespace fovea {

// to = from
struct copy_numbers {
    static constexpr int threads = 256;
    using shared = nothing_kept;
    using own = nothing_kept;

    const float* from;
    float* to;
    std::ptrdiff_t count;

    int blocks() const { return blocks_for(count, threads); }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int block, int thread, shared&, own&) const {
        const std::ptrdiff_t i = std::ptrdiff_t(block) * threads + thread;
        if (i < count) to[i] = from[i];
    }
};

// to *= factor
struct multiply_numbers {
    static constexpr int threads = 256;
    using shared = nothing_kept;
    using own = nothing_kept;

    float* to;
    float factor;
    std::ptrdiff_t count;

    int blocks() const { return blocks_for(count, threads); }
    FOVEA_HOST_DEVICE int phases() const { return 1; }
    FOVEA_HOST_DEVICE void operator()(int, int block, int thread, shared&, own&) const {
        const std::ptrdiff_t i = std::ptrdiff_t(block) * threads + thread;
        if (i < count) to[i] *= factor;
    }
};

template <class Device> class training_weights {
  public:
    training_weights(Device& device, const graph& g, weight_store& on_host, gradient_store<float>& gradients,
                     std::vector<char> trained)
        : device_(device),
          g_(g),
          on_host_(on_host),
          host_gradients_(gradients),
          trained_(std::move(trained)),
          values_(device),
          gradients_(device),
          kept_(device),
          staging_(device) {
        offsets_.resize(g.weights.size()), gradient_offsets_.resize(g.weights.size());
        for (const weight_kind kind : {weight_kind::parameter, weight_kind::buffer}) place_loaded(kind);
        place_derived();
        values_.reserve(bytes_, "weights"), gradients_.reserve(gradient_bytes_, "gradients");
        staging_.reserve(loaded_bytes_, "weights");
        clear_gradients();
    }

    std::byte* operator[](int i) const { return i < 0 ? nullptr : values_.data() + offsets_[std::size_t(i)]; }
    float* gradient(int i) const { // null if it is not trained
        if (i < 0 || !trained_[std::size_t(i)]) return nullptr;
        return reinterpret_cast<float*>(gradients_.data() + gradient_offsets_[std::size_t(i)]);
    }
    weight_store& on_host() const { return on_host_; }
    gradient_store<float>& host_gradients() const { return host_gradients_; }
    float* parameters() const { return reinterpret_cast<float*>(values_.data()); }
    float* gradients() const { return reinterpret_cast<float*>(gradients_.data()); } // of the parameters
    std::size_t numbers() const { return parameter_bytes_ / sizeof(float); }         // of the parameters

    void host_changed() { host_newer_ = true; } // to be uploaded before they are read
    void refresh() {
        if (host_newer_) upload();
    }
    void upload() {
        each_loaded([&](std::size_t i, std::size_t bytes) {
            std::memcpy(staging_.data() + offsets_[i], on_host_[int(i)], bytes);
        });
        if (loaded_bytes_ > 0) device_.upload(values_.data(), staging_.data(), loaded_bytes_);
        device_.wait();
        stale_ = true, newer_ = host_newer_ = false;
    }
    // Copies weights and gradients to the host if they have changed since.
    void download() {
        if (!newer_ || host_newer_) return;
        copy_out(values_.data(), loaded_bytes_);
        each_loaded([&](std::size_t i, std::size_t bytes) {
            std::memcpy(on_host_[int(i)], staging_.data() + offsets_[i], bytes);
        });
        copy_out(gradients_.data(), parameter_bytes_);
        each_loaded([&](std::size_t i, std::size_t bytes) {
            if (g_.weights[i].kind == weight_kind::parameter)
                std::memcpy(host_gradients_[int(i)], staging_.data() + gradient_offsets_[i], bytes);
        });
        newer_ = false;
    }
    void changed() { newer_ = true; }                     // gradients or buffers have changed on the device
    void parameters_changed() { newer_ = stale_ = true; } // parameters have changed on the device

    // Whether derived weights are out of date, asked by whoever then makes them with prepare().
    bool take_stale() {
        refresh();
        return std::exchange(stale_, false);
    }
    void prepare() {
        for (bool packing : {false, true}) // packed layouts last: they may be made of derived weights
            for (auto& p : g_.preparations)
                if (packing == p.packs()) p.kernels->forward(call_of(p));
    }
    // Propagates the gradients of prepared weights to the weights from which they were made.
    void differentiate_preparations() {
        for (auto& p : g_.preparations) differentiate(p);
        clear_prepared_gradients();
    }
    void differentiate(const preparation& p) {
        if (p.packs() || !trained_[std::size_t(p.out)]) return;
        preparation_gradient_call c;
        c.forward = call_of(p), c.dout = gradient(p.out);
        for (int k = 0; k < max_weights; ++k) c.dw[std::size_t(k)] = gradient(p.w[k]);
        p.kernels->backward(c);
    }
    void clear_prepared_gradients() {
        if (gradient_bytes_ > parameter_bytes_)
            device_.clear(gradients_.data() + parameter_bytes_, gradient_bytes_ - parameter_bytes_);
    }
    void clear_gradients() {
        if (gradient_bytes_ > 0) device_.clear(gradients_.data(), gradient_bytes_);
        changed();
    }

    void divide_gradients(double scale) { // gradients of the parameters; scale is a power of 2
        divide(gradients(), numbers(), scale);
    }

    // All-reduce over the processes: sums of the parameter gradients [begin, begin + count) and of buffers.
    // divide_buffers() turns the latter into means, after device.await_sums().
    void sum_gradients(std::size_t begin, std::size_t count) {
        if (count > 0) device_.sum(gradients() + begin, count);
    }
    void sum_buffers() {
        if (buffer_numbers() > 0) device_.sum(buffers(), buffer_numbers());
    }
    void divide_buffers(int processes) { divide(buffers(), buffer_numbers(), processes); }

    void keep_buffers() { copy_buffers(false); }
    void restore_buffers() { copy_buffers(true); }

  private:
    static constexpr std::size_t alignment = 256;
    static std::size_t aligned(std::size_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

    template <class F> void each_loaded(F f) const { // calls f(weight, bytes)
        for (std::size_t i = 0; i < g_.weights.size(); ++i)
            if (g_.weights[i].kind != weight_kind::derived) f(i, count(g_.weights[i].dims) * sizeof(float));
    }
    void place_loaded(weight_kind kind) {
        each_loaded([&](std::size_t i, std::size_t bytes) {
            if (g_.weights[i].kind != kind) return;
            offsets_[i] = gradient_offsets_[i] = bytes_;
            bytes_ += bytes;
        });
        loaded_bytes_ = bytes_;
        if (kind == weight_kind::parameter) parameter_bytes_ = bytes_;
    }
    void place_derived() {
        gradient_bytes_ = parameter_bytes_;
        for (auto& p : g_.preparations) {
            const auto out = std::size_t(p.out);
            const std::size_t numbers = count(g_.weights[out].dims) * sizeof(float);
            offsets_[out] = aligned(bytes_);
            bytes_ = offsets_[out] + (p.packs() ? p.kernels->bytes(shape_of(p)) : numbers);
            if (!trained_[out]) continue;
            gradient_offsets_[out] = gradient_bytes_;
            gradient_bytes_ += numbers;
        }
    }

    preparation_call shape_of(const preparation& p) const {
        preparation_call c;
        c.a = p.a, c.format = p.format;
        for (int k = 0; k < max_weights; ++k)
            if (p.w[k] >= 0) c.dims[std::size_t(k)] = g_.weights[std::size_t(p.w[k])].dims;
        return c;
    }
    preparation_call call_of(const preparation& p) const {
        preparation_call c = shape_of(p);
        for (int k = 0; k < max_weights; ++k) c.w[std::size_t(k)] = (*this)[p.w[k]];
        c.out = (*this)[p.out], c.queue = device_.queue();
        return c;
    }

    void copy_out(const std::byte* from, std::size_t bytes) {
        if (bytes > 0) device_.download(staging_.data(), from, bytes);
        device_.wait();
    }
    float* buffers() const { return reinterpret_cast<float*>(values_.data() + parameter_bytes_); }
    std::size_t buffer_numbers() const { return (loaded_bytes_ - parameter_bytes_) / sizeof(float); }
    void divide(float* at, std::size_t count, double by) {
        const multiply_numbers k{at, float(1 / by), std::ptrdiff_t(count)};
        if (count > 0) Device::launch(device_.queue(), k, k.blocks());
        changed();
    }
    void copy_buffers(bool back) {
        if (buffer_numbers() == 0) return;
        kept_.reserve(buffer_numbers() * sizeof(float), "running estimates");
        auto* const kept = reinterpret_cast<float*>(kept_.data());
        const copy_numbers k{back ? kept : buffers(), back ? buffers() : kept, std::ptrdiff_t(buffer_numbers())};
        Device::launch(device_.queue(), k, k.blocks());
        if (back) changed();
    }

    Device& device_;
    const graph& g_;
    weight_store& on_host_;
    gradient_store<float>& host_gradients_;
    std::vector<char> trained_; // for each weight: whether it gets a gradient
    std::vector<std::size_t> offsets_, gradient_offsets_;
    std::size_t bytes_ = 0, parameter_bytes_ = 0, loaded_bytes_ = 0, gradient_bytes_ = 0;
    device_buffer<Device, memory_place::device> values_, gradients_, kept_; // kept: copy of the buffers
    device_buffer<Device, memory_place::host> staging_;
    bool stale_ = true;      // derived weights are out of date
    bool newer_ = false;     // than the host's copies
    bool host_newer_ = true; // the host's copies are
};

} // namespace fovea
