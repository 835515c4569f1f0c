// A device on the host with a library of convolutions: plain loops over what a shape describes, in double.
#pragma once
#include <map>

#include "fovea/backend/cuda/activation.hpp"
#include "support/host_device.hpp"

namespace fovea_test {

class looped_convolution final : public fovea::convolution_plan {
  public:
    looped_convolution(host_device& on, const fovea::convolution_shape& s) : on_(on), s_(s) {}
    void run(const fovea::library_convolution& l) const override {
        host_device::put(on_.queue(), [this, l] { compute(l); });
    }
    static inline int runs = 0;

  private:
    using tensor = fovea::convolution_shape::tensor;

    void compute(const fovea::library_convolution& l) const {
        ++runs;
        for (int n = 0; n < s_.batch; ++n)
            for (int v = 0; v < s_.out_height; ++v)
                for (int u = 0; u < s_.out_width; ++u)
                    for (int o = 0; o < s_.outputs; ++o) {
                        const float sum = float(sum_at(l, n, v, u, o)),
                                    y = fovea::device_activation{s_.activation, s_.slope}(sum);
                        put(l.y, s_.y, n, v, u, s_.outputs, o,
                            s_.skips ? y + get(l.skip, s_.skip, n, v, u, s_.outputs, o) : y);
                    }
    }
    double sum_at(const fovea::library_convolution& l, int n, int v, int u, int o) const {
        const int inputs = s_.inputs / s_.groups, group = o / (s_.outputs / s_.groups);
        const fovea::device_numbers w{l.w, s_.x.format};
        double sum = s_.bias ? double(reinterpret_cast<const float*>(l.b)[o]) : 0;
        for (int i = 0; i < s_.kernel; ++i)
            for (int j = 0; j < s_.kernel; ++j) {
                const int row = v * s_.stride + i * s_.dilation - s_.top,
                          column = u * s_.stride + j * s_.dilation - s_.left;
                if (row < 0 || row >= s_.height || column < 0 || column >= s_.width) continue;
                for (int c = 0; c < inputs; ++c)
                    sum += double(get(l.x, s_.x, n, row, column, s_.inputs, group * inputs + c)) *
                           double(w[((o * s_.kernel + i) * s_.kernel + j) * inputs + c]);
            }
        return sum;
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
