// LPIPS 0.1, learned perceptual image patch similarity (Zhang et al. 2018, arXiv 1801.03924): the distance of two
// images in the features of a network that was trained to classify images (the backbone),
//
//   d(y, t) = sum over layers, mean over pixels, sum over channels of  w (u - v)^2,   u = f / (|f| + 1e-10)
//
//   f   features of y at one pixel of a layer, and |f| their Euclidean length over the channels
//   v   the same as u, for t
//   w   one number for each channel, fitted to human judgements
//
// y, t, dy are (N,H,W,3). 0 for equal images; smaller is better. Colours are mapped to [-1,1], then the mean of each
// channel is subtracted and the result divided by its deviation.
//
// The weights come in two files as they are published: those of the backbone (SqueezeNet 1.1, AlexNet or VGG-16), and
// w, which also tells which backbone it is for.
#pragma once
#include <array>
#include <memory>
#include <string_view>
#include <vector>

#include "fovea/loss/pixel.hpp"
#include "fovea/model/trainable.hpp"
#include "fovea/ops/pixels.hpp"
#include "fovea/zoo/alexnet.hpp"
#include "fovea/zoo/squeezenet.hpp"
#include "fovea/zoo/vgg.hpp"

namespace fovea {

// Options of the loss.
struct lpips_options {
    value_range range{};        // values of black and white in y and t
    context* threads = nullptr; // the loss keeps a copy of it; null: one thread
    bool gradients = true;      // false: computes values only, with less memory
};

namespace detail {

inline constexpr double lpips_epsilon = 1e-10;

// Maps colours to the backbone's input: factor * (number of y) + constant.
struct lpips_colours {
    value_range range;

    FOVEA_HOST_DEVICE double factor(int channel) const {
        constexpr double deviation[3] = {.458, .448, .450};
        return 2 / (double(range.high) - double(range.low)) / deviation[channel];
    }
    FOVEA_HOST_DEVICE double constant(int channel) const {
        constexpr double shift[3] = {-.030, -.088, -.188}, deviation[3] = {.458, .448, .450};
        return -double(range.low) * factor(channel) - (1 + shift[channel]) / deviation[channel];
    }
};

// A layer whose features are compared: its tensor in the backbone's graph, and w, one number for each channel.
struct lpips_layer {
    int tensor;
    std::vector<double> weights; // by channel
};
template <class Real> struct lpips_network {
    graph backbone;
    std::vector<lpips_layer> layers;
    // The maker of engines for the backend that the backbone was traced for.
    training_engine_maker<Real> make = host_training_engine_maker<Real>();
};

// The distance and its gradient, for any backbone. Only one thread at a time may use an object.
template <class Real> class lpips_distance {
  public:
    lpips_distance(lpips_network<Real> n, const lpips_options& o)
        : colours_{o.range},
          layers_(std::move(n.layers)),
          net_(std::make_unique<basic_trainable<Real>>(std::move(n.backbone), trainable_options{.threads = o.threads},
                                                       n.make)),
          frozen_(net_->frozen({.input_gradient = o.gradients, .outputs = tensors()})),
          kept_(layers_.size()) {}

    basic_trainable<Real>& backbone() { return *net_; }

    // Returns the mean over the images. Adds weight times the gradient with respect to y to *dy, unless dy is null.
    double operator()(tensor_view<const Real> y, tensor_view<const Real> t, const tensor_view<Real>* dy,
                      double weight) {
        check_same("lpips", y, t);
        if (y.channels() != 3) fail("lpips: a tensor of ", y.channels(), " channels: expected 3");
        forward(t);
        for (std::size_t l = 0; l < layers_.size(); ++l) keep(l);
        forward(y);
        double sum = 0;
        for (std::size_t l = 0; l < layers_.size(); ++l) sum += compare(l, dy != nullptr, weight);
        if (dy) add_gradient(frozen_.backward(), *dy);
        return sum;
    }

  private:
    std::vector<int> tensors() const {
        std::vector<int> all;
        for (auto& l : layers_) all.push_back(l.tensor);
        return all;
    }

    void forward(tensor_view<const Real> x) {
        if (input_.batch() != x.batch() || input_.height() != x.height() || input_.width() != x.width())
            input_ = tensor<Real>(x.batch(), x.height(), x.width(), 3);
        for (int n = 0; n < x.batch(); ++n)
            for (int h = 0; h < x.height(); ++h)
                for (int i = 0; i < 3 * x.width(); ++i)
                    input_.at(n, h, 0)[i] =
                        Real(colours_.factor(i % 3) * double(x.at(n, h, 0)[i]) + colours_.constant(i % 3));
        frozen_.forward(input_.view());
    }

    static double inverse_length(const Real* f, std::size_t channels) {
        double square = 0;
        for (std::size_t c = 0; c < channels; ++c) square += double(f[c]) * double(f[c]);
        return 1 / (std::sqrt(square) + lpips_epsilon);
    }

    // Rounded like the stored features of the target, so that equal images have distance 0.
    static double unit(Real f, double inverse) { return double(Real(double(f) * inverse)); }

    // Calls f(features of a pixel, stored features of the target, image, row, column). Rows are shared among the
    // threads.
    template <class F> void each_feature(std::size_t l, F f) {
        const auto features = frozen_.output(layers_[l].tensor);
        const std::size_t channels = std::size_t(features.channels());
        kept_[l].resize(std::size_t(features.batch() * features.height() * features.width()) * channels);
        net_->threads().parallel_for(features.batch() * features.height(), [&](int k, int) noexcept {
            const int n = k / features.height(), h = k % features.height();
            Real* kept = kept_[l].data() + std::size_t(k * features.width()) * channels;
            for (int w = 0; w < features.width(); ++w, kept += channels) f(features.at(n, h, w), kept, n, h, w);
        });
    }
    void keep(std::size_t l) {
        const std::size_t channels = layers_[l].weights.size();
        each_feature(l, [&](const Real* f, Real* kept, int, int, int) {
            const double inverse = inverse_length(f, channels);
            for (std::size_t c = 0; c < channels; ++c) kept[c] = Real(unit(f[c], inverse));
        });
    }
    // Returns the layer's part of the distance, and adds its gradient to the output gradient of the layer. Rows are
    // summed separately and then in order, so that the number of threads does not change the result.
    double compare(std::size_t l, bool differentiates, double weight) {
        const lpips_layer& layer = layers_[l];
        const auto f = frozen_.output(layer.tensor);
        const double share = 1 / (double(f.batch()) * f.height() * f.width());
        const auto gradient = differentiates ? frozen_.output_gradient(layer.tensor) : tensor_view<Real>{};
        std::vector<double> rows(std::size_t(f.batch() * f.height()));
        each_feature(l, [&](const Real* x, const Real* v, int n, int h, int w) {
            double& sum = rows[std::size_t(n * f.height() + h)];
            sum += compare_pixel(layer.weights, x, v, weight * share, differentiates ? gradient.at(n, h, w) : nullptr);
        });
        double sum = 0;
        for (double row : rows) sum += row;
        return sum * share;
    }
    // With e = 2 w (u - v): df = e / |f| - f (e . f) / |f|^3, up to epsilon. Features that are all zero have no
    // direction and get no gradient.
    static double compare_pixel(const std::vector<double>& w, const Real* f, const Real* v, double scale, Real* df) {
        const double inverse = inverse_length(f, w.size()), length = 1 / inverse - lpips_epsilon;
        double sum = 0, along = 0;
        for (std::size_t c = 0; c < w.size(); ++c) {
            const double d = unit(f[c], inverse) - double(v[c]);
            sum += w[c] * d * d, along += 2 * w[c] * d * double(f[c]);
        }
        if (!df || !(length > lpips_epsilon)) return sum;
        for (std::size_t c = 0; c < w.size(); ++c) {
            const double d = unit(f[c], inverse) - double(v[c]);
            df[c] += Real(scale * inverse * (2 * w[c] * d - double(f[c]) * along * inverse / length));
        }
        return sum;
    }

    void add_gradient(tensor_view<const Real> dx, tensor_view<Real> dy) const {
        for (int n = 0; n < dy.batch(); ++n)
            for (int h = 0; h < dy.height(); ++h)
                for (int i = 0; i < 3 * dy.width(); ++i)
                    dy.at(n, h, 0)[i] += Real(colours_.factor(i % 3) * double(dx.at(n, h, 0)[i]));
    }

    lpips_colours colours_;
    std::vector<lpips_layer> layers_;
    std::unique_ptr<basic_trainable<Real>> net_; // held by pointer because frozen_ refers to it
    basic_frozen<Real> frozen_;
    tensor<Real> input_;
    std::vector<std::vector<Real>> kept_; // v of the target, for each layer
};

// Traces a backbone and attaches w to the layers with these names: lin0.model.1.weight (1,C,1,1), lin1.... The result
// has no layers if the file does not fit.
// Convolutions are direct, because Winograd's rounding differs within a tile: neighbours in flat parts of a picture
// would not be equal any more, and the gradient of a max pooling would go to a random one.
template <class Backend, class Network>
lpips_network<typename Backend::storage> lpips_network_of(std::initializer_list<std::string_view> names,
                                                          const tensor_file& linear) {
    lpips_network<typename Backend::storage> n{
        trace_network<Network, Backend, training>({}, convolution_method::direct),
        {},
        training_engine_maker_of<Backend>()};
    for (auto name : names) {
        const int tensor = result_of(n.backbone, name), channels = n.backbone.tensors[std::size_t(tensor)].channels;
        const stored_tensor* w = linear.find("lin" + std::to_string(n.layers.size()) + ".model.1.weight");
        if (!w || w->size() != channels) {
            n.layers.clear();
            return n;
        }
        const auto values = to_floats(*w);
        n.layers.push_back({tensor, {values.begin(), values.end()}});
    }
    if (linear.tensors().size() != names.size()) n.layers.clear();
    return n;
}
template <class Backend> lpips_network<typename Backend::storage> lpips_network_for(const tensor_file& linear) {
    auto n = lpips_network_of<Backend, zoo::squeezenet_features>({"0", "4", "7", "9", "10", "11", "12"}, linear);
    if (n.layers.empty()) n = lpips_network_of<Backend, zoo::alexnet_features>({"0", "3", "6", "8", "10"}, linear);
    if (n.layers.empty()) n = lpips_network_of<Backend, zoo::vgg16_features>({"2", "7", "14", "21", "28"}, linear);
    if (n.layers.empty())
        fail(
            linear.source,
            ": expected the linear weights of LPIPS 0.1 for squeeze, alex or vgg: lin0.model.1.weight (1,64,1,1), ...");
    return n;
}

// Returns the backbone's tensors; in a file with a whole classifier "features.0.weight" becomes "0.weight".
inline tensor_file lpips_backbone_of(const tensor_file& file) {
    constexpr std::string_view prefix = "features.";
    tensor_file out;
    out.source = file.source;
    const auto part = [&](const stored_tensor& t) { return t.name.starts_with(prefix); };
    const bool whole = std::ranges::any_of(file.tensors(), part);
    for (auto& t : file.tensors()) {
        if (whole && !part(t)) continue;
        stored_tensor copy = t;
        if (whole) copy.name.erase(0, prefix.size());
        out.add(std::move(copy));
    }
    return out;
}

template <class Backend>
std::unique_ptr<lpips_distance<float>> load_lpips(const tensor_file& backbone, const tensor_file& linear,
                                                  const lpips_options& o) {
    auto distance = std::make_unique<lpips_distance<float>>(lpips_network_for<Backend>(linear), o);
    distance->backbone().load(lpips_backbone_of(backbone));
    return distance;
}

} // namespace detail

// A backend that can compute LPIPS where the image is declares
//
//   std::shared_ptr<network_loss> make_lpips(Backend, lpips_network<float>, tensor_file backbone, const lpips_options&)
namespace detail {
template <class Backend>
concept has_lpips = requires(lpips_network<float> n, tensor_file backbone, const lpips_options& o) {
    make_lpips(Backend{}, std::move(n), std::move(backbone), o);
};
} // namespace detail

// LPIPS as a loss with the interface of loss/pixel.hpp. The backbone's weights never change. Images must have at least
// 17x17 pixels for SqueezeNet, 31x31 for AlexNet, 16x16 for VGG. Copies share their memory.
template <class Backend> class lpips_loss {
  public:
    lpips_loss(const tensor_file& backbone, const tensor_file& linear, const lpips_options& o = {})
        : distance_(detail::load_lpips<Backend>(backbone, linear, o)) {
        if constexpr (detail::has_lpips<Backend>)
            by_ = make_lpips(Backend{}, detail::lpips_network_for<Backend>(linear), detail::lpips_backbone_of(backbone),
                             o);
    }

    // Computes the distance of y and t, averaged over the images, and adds `weight` times its gradient to dy.
    double operator()(tensor_view<const float> y, tensor_view<const float> t, tensor_view<float> dy = {},
                      double weight = 1) const {
        return (*distance_)(y, t, dy.data() ? &dy : nullptr, weight);
    }
    loss_terms terms(double weight = 1) const requires detail::has_lpips<Backend> {
        return {{.kind = loss_kind::network, .weight = weight, .by = by_}};
    }
    static constexpr const char* name = "lpips";

  private:
    std::shared_ptr<detail::lpips_distance<float>> distance_; // for images on the host
    std::shared_ptr<network_loss> by_;                        // null: the backend computes it on the host only
};

} // namespace fovea
