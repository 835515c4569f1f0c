// A device on the host with a library of convolutions and their gradients: plain loops over what a shape describes, in
// double.
#pragma once
#include <map>

#include "fovea/backend/cuda/value_gradient.hpp"
#include "support/host_device.hpp"

namespace fovea_test {

class looped_convolution final : public fovea::convolution_plan {
  public:
    looped_convolution(host_device& on, const fovea::convolution_shape& s) : on_(on), s_(s) {
        for (auto format : fovea::formats_of_filters(s))
            if (filters_are_float32 || format == s.x.format) filters_ = format;
    }
    void run(const fovea::library_convolution& l) const override {
        host_device::put(on_.queue(), [this, l] { compute(l); });
    }
    fovea::number_format filters() const override { return filters_; }
    // runs: of all; with what follows or precedes them: activations, slopes, gradients of biases.
    static inline int runs = 0, input_gradients = 0, weight_gradients = 0, activations = 0, slopes = 0, biases = 0;
    static inline bool filters_are_float32 = false; // gradients, where there is a choice

  private:
    using tensor = fovea::convolution_shape::tensor;

    void compute(const fovea::library_convolution& l) const {
        ++runs;
        activations += s_.role == fovea::activation_role::kept;
        slopes += differentiates(), biases += differentiates() && s_.bias;
        switch (s_.pass) {
            case fovea::convolution_pass::values:
                return compute_values(l);
            case fovea::convolution_pass::input_gradient:
                ++input_gradients;
                return compute_input_gradient(l);
            case fovea::convolution_pass::weight_gradient:
                ++weight_gradients;
                return compute_weight_gradient(l);
        }
    }
    void compute_values(const fovea::library_convolution& l) const {
        std::vector<double> sums(std::size_t(s_.outputs));
        each_output([&](int n, int v, int u, int o) {
            const float sum = float(sum_at(l, n, v, u, o));
            if (differentiates()) return put_slope(l, l.y, s_.y, n, v, u, s_.outputs, o, sum, sums);
            if (s_.role == fovea::activation_role::kept) put(l.before, s_.before, n, v, u, s_.outputs, o, sum);
            const float y = fovea::device_activation{s_.activation, s_.slope}(sum);
            put(l.y, s_.y, n, v, u, s_.outputs, o, s_.skips ? y + get(l.skip, s_.skip, n, v, u, s_.outputs, o) : y);
        });
        put_sums(l, sums);
    }
    bool differentiates() const { return s_.role == fovea::activation_role::differentiated; }
    // The gradient times the activation's slope, and that to the sum of its channel.
    void put_slope(const fovea::library_convolution& l, std::byte* to, const tensor& t, int n, int row, int column,
                   int channels, int c, float gradient, std::vector<double>& sums) const {
        const float before = get(l.before, s_.before, n, row, column, channels, c),
                    product = fovea::device_slope{s_.activation, s_.slope}(before)*gradient;
        put(to, t, n, row, column, channels, c, product);
        sums[std::size_t(c)] += double(product);
    }
    void put_sums(const fovea::library_convolution& l, const std::vector<double>& sums) const {
        if (!differentiates() || !s_.bias) return;
        for (std::size_t c = 0; c < sums.size(); ++c) reinterpret_cast<float*>(l.b)[c] = float(sums[c]);
    }
    double sum_at(const fovea::library_convolution& l, int n, int v, int u, int o) const {
        const fovea::device_numbers w{l.w, filters_};
        double sum = s_.bias && !differentiates() ? double(reinterpret_cast<const float*>(l.b)[o]) : 0;
        each_product(v, u, o, [&](int row, int column, int c, int filter) {
            sum += double(get(l.x, s_.x, n, row, column, s_.inputs, c)) * double(w[filter]);
        });
        return sum;
    }
    void compute_input_gradient(const fovea::library_convolution& l) const {
        const fovea::device_numbers w{l.w, filters_};
        std::vector<double> dx(std::size_t(s_.batch) * s_.height * s_.width * s_.inputs);
        const auto at = [&](int n, int row, int column, int c) -> double& {
            return dx[std::size_t(((n * s_.height + row) * s_.width + column) * s_.inputs + c)];
        };
        each_output([&](int n, int v, int u, int o) {
            const double dy = double(get(l.y, s_.y, n, v, u, s_.outputs, o));
            each_product(v, u, o, [&](int row, int column, int c, int filter) {
                at(n, row, column, c) += dy * double(w[filter]);
            });
        });
        std::vector<double> sums(std::size_t(s_.inputs));
        for (int n = 0; n < s_.batch; ++n)
            for (int row = 0; row < s_.height; ++row)
                for (int column = 0; column < s_.width; ++column)
                    for (int c = 0; c < s_.inputs; ++c) {
                        const float sum = float(at(n, row, column, c));
                        if (differentiates()) {
                            put_slope(l, l.x, s_.x, n, row, column, s_.inputs, c, sum, sums);
                            continue;
                        }
                        put(l.x, s_.x, n, row, column, s_.inputs, c,
                            s_.skips ? sum + get(l.skip, s_.skip, n, row, column, s_.inputs, c) : sum);
                    }
        put_sums(l, sums);
    }
    void compute_weight_gradient(const fovea::library_convolution& l) const {
        std::vector<double> dw(std::size_t(s_.outputs) * s_.kernel * s_.kernel * (s_.inputs / s_.groups));
        each_output([&](int n, int v, int u, int o) {
            const double dy = double(get(l.y, s_.y, n, v, u, s_.outputs, o));
            each_product(v, u, o, [&](int row, int column, int c, int filter) {
                dw[std::size_t(filter)] += dy * double(get(l.x, s_.x, n, row, column, s_.inputs, c));
            });
        });
        const fovea::device_numbers to{l.w, filters_};
        for (std::size_t i = 0; i < dw.size(); ++i) to.put(std::ptrdiff_t(i), float(dw[i]));
    }

    template <class F> void each_output(F f) const { // f(image, row, column, output)
        for (int n = 0; n < s_.batch; ++n)
            for (int v = 0; v < s_.out_height; ++v)
                for (int u = 0; u < s_.out_width; ++u)
                    for (int o = 0; o < s_.outputs; ++o) f(n, v, u, o);
    }
    template <class F> void each_product(int v, int u, int o, F f) const { // f(row, column, input, number in w)
        const int inputs = s_.inputs / s_.groups, group = o / (s_.outputs / s_.groups);
        for (int i = 0; i < s_.kernel; ++i)
            for (int j = 0; j < s_.kernel; ++j) {
                const int row = v * s_.stride + i * s_.dilation - s_.top,
                          column = u * s_.stride + j * s_.dilation - s_.left;
                if (row < 0 || row >= s_.height || column < 0 || column >= s_.width) continue;
                for (int c = 0; c < inputs; ++c)
                    f(row, column, group * inputs + c, ((o * s_.kernel + i) * s_.kernel + j) * inputs + c);
            }
    }
    static std::ptrdiff_t index(const tensor& t, int n, int v, int u, int channels, int c) {
        return n * t.image_stride + v * t.row_stride + std::ptrdiff_t(u) * channels + c;
    }
    static float get(std::byte* first, const tensor& t, int n, int v, int u, int channels, int c) {
        return fovea::device_numbers{first, t.format}[index(t, n, v, u, channels, c)];
    }
    static void put(std::byte* first, const tensor& t, int n, int v, int u, int channels, int c, float value) {
        fovea::device_numbers{first, t.format}.put(index(t, n, v, u, channels, c), value);
    }

    host_device& on_;
    fovea::convolution_shape s_;
    fovea::number_format filters_ = s_.x.format;
};

// It lacks convolutions that are clamped.
struct library_device : host_device {
    void open_convolutions() {}
    const fovea::convolution_plan* find_convolution(const fovea::library_convolution& l,
                                                    const fovea::notice_function&) {
        if (l.shape.activation == fovea::activation_kind::unit_range) return nullptr;
        return &plans.try_emplace(l.shape.name(), *this, l.shape).first->second;
    }
    void save_convolutions(const fovea::notice_function&) {}

    std::map<std::string, looped_convolution> plans;
};

struct engine_with_library : fovea::on_device<library_device> {};

inline std::unique_ptr<fovea::engine> make_engine(engine_with_library, const fovea::graph& g,
                                                  const fovea::weight_store& w) {
    return std::make_unique<fovea::device_engine<engine_with_library>>(g, w, std::make_unique<library_device>());
}

} // namespace fovea_test
