// LPIPS (zoo/lpips_loss.hpp) on a device: the features of the target are stored, those of the output are compared with
// them, and the gradient goes back through the backbone.
#pragma once
#include "fovea/engine/cuda/device_pass.hpp"
#include "fovea/model/trainable.hpp"
#include "fovea/zoo/lpips_loss.hpp"

namespace fovea {

// Maps colours to the backbone's input.
struct lpips_input {
    device_view from, to; // (N,H,W,3)
    detail::lpips_colours colours;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        to.put(p, c, float(colours.factor(c) * double(from.get(p, c)) + colours.constant(c)));
    }
};
struct lpips_input_gradient {
    device_view dx, dy; // (N,H,W,3); adds to dy
    detail::lpips_colours colours;
    double weight;
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int c) const {
        dy.put(p, c, dy.get(p, c) + float(weight * colours.factor(c) * double(dx.get(p, c))));
    }
};

// The features (N,H,W,C) of a layer, and the stored features of the target, divided by their lengths, dense.
struct lpips_features {
    device_view f;
    float* kept;

    FOVEA_HOST_DEVICE float* kept_at(pixel_position p) const {
        return kept + ((std::ptrdiff_t(p.image) * f.height + p.row) * f.width + p.column) * f.channels;
    }
    FOVEA_HOST_DEVICE double inverse_length(device_numbers of_pixel) const {
        double square = 0;
        for (int c = 0; c < f.channels; ++c) square += double(of_pixel[c]) * double(of_pixel[c]);
        return 1 / (sqrt(square) + detail::lpips_epsilon);
    }
    // Stores the normalised features of a pixel.
    FOVEA_HOST_DEVICE void operator()(pixel_position p, int) const {
        const device_numbers of_pixel = f.at(p);
        const double inverse = inverse_length(of_pixel);
        float* const to = kept_at(p);
        for (int c = 0; c < f.channels; ++c) to[c] = float(double(of_pixel[c]) * inverse);
    }
};

// The distance of a layer, and its gradient, which is added to df. One thread for each pixel.
struct lpips_kernel {
    static constexpr int threads = 256;
    using shared = block_sums<1>;
    using own = nothing_kept;

    lpips_features features;
    device_view df;  // (N,H,W,C)
    const double* w; // (C)
    device_area area;
    double share;    // weight of a pixel in the mean
    double* partial; // (blocks)

    int blocks() const { return blocks_for(area.pixels(), threads); }
    FOVEA_HOST_DEVICE int phases() const { return 3; }
    FOVEA_HOST_DEVICE void operator()(int phase, int block, int thread, shared& s, own&) const {
        const std::ptrdiff_t i = std::ptrdiff_t(block) * threads + thread,
                             pixels = std::ptrdiff_t(area.images) * area.rows * area.columns;
        if (phase == 0)
            s.of_thread[0][thread] = i < pixels ? compare(area.at(int(i))) : 0;
        else if (phase == 1)
            s.fold(thread);
        else if (thread == 0)
            partial[block] = s.total(0);
    }

  private:
    FOVEA_HOST_DEVICE double compare(pixel_position p) const {
        const device_numbers f = features.f.at(p);
        const float* const v = features.kept_at(p);
        const int channels = features.f.channels;
        const double inverse = features.inverse_length(f), length = 1 / inverse - detail::lpips_epsilon;
        double sum = 0, along = 0;
        for (int c = 0; c < channels; ++c) {
            const double d = double(float(double(f[c]) * inverse)) - double(v[c]);
            sum += w[c] * d * d, along += 2 * w[c] * d * double(f[c]);
        }
        if (!(length > detail::lpips_epsilon)) return sum;
        for (int c = 0; c < channels; ++c) {
            const double d = double(float(double(f[c]) * inverse)) - double(v[c]),
                         slope = inverse * (2 * w[c] * d - double(f[c]) * along * inverse / length);
            df.put(p, c, df.get(p, c) + float(share * slope));
        }
        return sum;
    }
};

// Runs on the device of the first engine whose output it is given; another device is an error.
template <class Device> class device_lpips final : public network_loss {
  public:
    device_lpips(detail::lpips_network<float> n, tensor_file backbone, const lpips_options& o)
        : network_(std::move(n)), backbone_(std::move(backbone)), colours_{o.range} {}

    void prepare(training_engine& engine, tensor_view<const float> y) override {
        if (!pass_) open(engine);
        if (pass_->memory() != engine.memory())
            fail("lpips: of a network on another device: expected the one that it was first used with");
        if (y.channels() != 3) fail("lpips: a tensor of ", y.channels(), " channels: expected 3");
        pass_->make_room({y.height(), y.width()}, y.batch());
        if (pass_->take_stale()) pass_->prepare_weights();
        std::size_t pixels = 0;
        for (auto& l : layers_) {
            const window f = pass_->output_window(l.tensor);
            const std::size_t here = std::size_t(y.batch()) * std::size_t(f.height) * std::size_t(f.width);
            reserve(l.kept, here * std::size_t(f.channels) * sizeof(float));
            pixels = std::max(pixels, here);
        }
        reserve(*sums_, std::size_t(blocks_for(std::ptrdiff_t(pixels), lpips_kernel::threads)) * sizeof(double));
        if (!(of_pass_ == pass_->where())) of_pass_ = pass_->where(), where_.moved();
    }
    placement where() const override { return where_; }

    void put(tensor_view<const float> y, const float* t, float* dy, double weight, double scale,
             double* value) override {
        forward(window_at(y, t));
        for (auto& l : layers_) {
            const call area = pass_->area_of(pass_->output_window(l.tensor));
            detail::launch<Device>(area, value_kernel<lpips_features>(area, 1, features_of(l)));
        }
        forward(window_at(y, y.data()));
        for (auto& l : layers_) compare(l, weight, value);
        pass_->put_backward();
        const window to = window_at(y, dy);
        detail::launch_values<Device>(pass_->area_of(to),
                                      lpips_input_gradient{device_view(pass_->input_gradient_window()), device_view(to),
                                                           colours_, weight * scale});
    }

  private:
    using pass = device_pass<Device, network_engine>;
    using memory = device_buffer<Device, memory_place::device>;
    struct layer {
        int tensor;
        memory kept;
        detail::device_array<Device> weights; // (C), double
        layer(int of, Device& device) : tensor(of), kept(device), weights(device) {}
    };

    void open(training_engine& engine) {
        std::vector<int> tensors;
        for (auto& l : network_.layers) tensors.push_back(l.tensor);
        net_ = std::make_unique<basic_trainable<float>>(std::move(network_.backbone),
                                                        trainable_options{.beside = &engine}, network_.make);
        net_->load(backbone_);
        engine_ = net_->engine().frozen({.input_gradient = true, .weight_gradients = false, .outputs = tensors});
        pass_ = static_cast<pass*>(engine_.get()); // of the device, as the engine is
        sums_.emplace(pass_->device());
        for (auto& l : network_.layers) {
            layer& of = layers_.emplace_back(l.tensor, pass_->device());
            of.weights.assign(std::span<const double>(l.weights), "weights of LPIPS");
        }
    }
    void reserve(memory& m, std::size_t bytes) {
        const auto* const before = m.data();
        m.reserve(bytes, "features of LPIPS");
        if (m.data() != before) where_.moved();
    }
    static window window_at(tensor_view<const float> like, const float* data) {
        const std::ptrdiff_t row = std::ptrdiff_t(like.width()) * like.channels();
        return {.data = const_cast<std::byte*>(reinterpret_cast<const std::byte*>(data)),
                .height = like.height(),
                .width = like.width(),
                .channels = like.channels(),
                .columns = like.width(),
                .stored = like.height(),
                .row_stride = row,
                .image_stride = row * like.height()};
    }
    lpips_features features_of(const layer& l) const {
        return {device_view(pass_->output_window(l.tensor)), reinterpret_cast<float*>(l.kept.data())};
    }
    void forward(const window& from) {
        const window to = pass_->input_window();
        detail::launch_values<Device>(pass_->area_of(to), lpips_input{device_view(from), device_view(to), colours_});
        pass_->put_forward(true, false);
    }
    void compare(const layer& l, double weight, double* value) {
        const window f = pass_->output_window(l.tensor);
        const call area = pass_->area_of(f);
        const double share = 1 / (double(area.images.size()) * f.height * f.width);
        const lpips_kernel k{features_of(l),
                             device_view(pass_->output_gradient_window(l.tensor)),
                             l.weights.template data<double>(),
                             device_area(area),
                             share,
                             reinterpret_cast<double*>(sums_->data())};
        detail::launch<Device>(area, k);
        Device::launch(area.queue, add_numbers{k.partial, k.blocks(), weight * share, value}, add_numbers::blocks());
    }

    detail::lpips_network<float> network_;
    tensor_file backbone_;
    detail::lpips_colours colours_;
    std::unique_ptr<basic_trainable<float>> net_;
    std::unique_ptr<network_engine> engine_;
    pass* pass_ = nullptr; // refers to *engine_
    std::deque<layer> layers_;
    std::optional<memory> sums_;
    placement where_, of_pass_;
};

} // namespace fovea
