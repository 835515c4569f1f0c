// Operations that change the size: pixel shuffle, magnification, pooling.
#include "fovea/graph/graph.hpp"
#include "support/kernel_case.hpp"
#include "support/reference_loops.hpp"

using namespace fovea_test;

TEST_CASE("pixel shuffle moves every value to its place") {
    for (const auto* kernels : all_kernels())
        for (int r : {1, 2, 3, 4})
            for (int channels : {1, 3, 16})
                for (auto [h, w] : {std::pair{1, 1}, {1, 7}, {5, 3}, {13, 19}}) {
                    const float_tensor x = signed_tensor(2, h, w, channels * r * r, 1);
                    float_tensor expected(2, h * r, w * r, channels);
                    for (int n = 0; n < 2; ++n)
                        for (int y = 0; y < h * r; ++y)
                            for (int i = 0; i < w * r; ++i)
                                for (int k = 0; k < channels; ++k)
                                    expected.at(n, y, i)[k] = x.at(n, y / r, i / r)[k * r * r + y % r * r + i % r];
                    kernel_case shuffle = pointwise_case(kernels->pixel_shuffle);
                    shuffle.a.factor = r;
                    shuffle.reads = fovea::footprint{.magnify = r};
                    INFO(kernels->name << " factor " << r << " on " << h << "x" << w << "x" << channels);
                    CHECK(difference(shuffle.result({&x}, h * r, w * r, channels), expected) == 0);
                }
}

TEST_CASE("magnification follows the frameworks' definition") {
    using fovea::interpolation;
#if FOVEA_SANITIZED
    const auto factors = {1, 2, 3};
#else
    const auto factors = {1, 2, 3, 4, 8};
#endif
    for (const auto* kernels : all_kernels())
        for (auto filter : {interpolation::nearest, interpolation::bilinear, interpolation::bicubic})
            for (int r : factors)
                for (int channels : {1, 3, 17})
                    for (auto [h, w] : {std::pair{1, 1}, {1, 7}, {5, 3}, {13, 19}})
                        for (bool add : {false, true}) {
                            const float_tensor x = signed_tensor(2, h, w, channels, 1);
                            const float_tensor skip = signed_tensor(2, h * r, w * r, channels, 2);
                            kernel_case enlarge = pointwise_case(kernels->upsample);
                            enlarge.scratch = kernels->upsample_scratch;
                            enlarge.a.factor = r, enlarge.a.filter = filter;
                            enlarge.reads = [&](range o, int size) {
                                range in;
                                for (int i = o.begin; i < o.end; ++i)
                                    for (auto [at, weight] : reference_taps(i, r, size, filter))
                                        in = in.join({at, at + 1});
                                return in;
                            };
                            std::vector<const float_tensor*> inputs{&x};
                            if (add) inputs.push_back(&skip);
                            const float_tensor y = enlarge.result(inputs, h * r, w * r, channels);
                            INFO(kernels->name << " filter " << int(filter) << " factor " << r << " on " << h << "x"
                                               << w << "x" << channels);
                            // Eight products of values below 1 and weights whose absolute values add up to 1.5 twice.
                            CHECK(difference(y, reference_upsample(x, r, filter, add ? &skip : nullptr)) < 1e-6);
                        }
}

TEST_CASE("max pool takes the largest value inside the image, or the NaN") {
    struct setting {
        int kernel, stride, before; // before: pixels of the first window that lie before the image
        bool covers = false;        // the last window may pass the end
    };
    for (const auto* kernels : all_kernels())
        for (auto [k, stride, before, covers] : {setting{3, 2, 1},
                                                 {2, 2, 1},
                                                 {3, 1, 1},
                                                 {5, 3, 2},
                                                 {3, 2, 0},
                                                 {3, 2, 0, true},
                                                 {2, 2, 0},
                                                 {5, 3, 1, true}})
            for (int channels : {1, 5, 16, 64})
                for (auto [h, w] : {std::pair{3, 3}, {3, 7}, {5, 4}, {13, 19}, {14, 18}}) {
                    float_tensor x = signed_tensor(2, h, w, channels, 1);
                    x.at(1, h / 2, w / 2)[channels / 2] = std::numeric_limits<float>::quiet_NaN();
                    const auto outputs = [&, k = k, stride = stride, before = before, covers = covers](int size) {
                        if (before == k / 2) return (size - 1) / stride + 1;
                        return (size + 2 * before - k + (covers ? stride - 1 : 0)) / stride + 1;
                    };
                    const int out_h = outputs(h), out_w = outputs(w);
                    float_tensor expected(2, out_h, out_w, channels);
                    for (int n = 0; n < 2; ++n)
                        for (int i = 0; i < out_h; ++i)
                            for (int j = 0; j < out_w; ++j)
                                for (int c = 0; c < channels; ++c) {
                                    float best = -std::numeric_limits<float>::infinity();
                                    for (int p = i * stride - before; p < i * stride - before + k; ++p)
                                        for (int q = j * stride - before; q < j * stride - before + k; ++q)
                                            if (p >= 0 && p < h && q >= 0 && q < w)
                                                if (const float v = x.at(n, p, q)[c]; !(v <= best) && !std::isnan(best))
                                                    best = v;
                                    expected.at(n, i, j)[c] = best;
                                }
                    kernel_case pool = pointwise_case(kernels->max_pool);
                    pool.a.kernel = k, pool.a.stride = stride, pool.a.offset = k / 2 - before;
                    pool.reads = [k = k, stride = stride, before = before](range o, int size) {
                        return range{o.begin * stride - before, (o.end - 1) * stride - before + k}.clip(size);
                    };
                    INFO(kernels->name << " kernel " << k << " stride " << stride << " from " << -before << " on " << h
                                       << "x" << w);
                    CHECK(difference(pool.result({&x}, out_h, out_w, channels), expected) == 0);
                }
}

TEST_CASE("global average pool") {
    for (const auto* kernels : all_kernels())
        for (int channels : {1, 5, 16, 64})
            for (auto [h, w] : {std::pair{1, 1}, {1, 7}, {13, 19}, {37, 53}}) {
                const float_tensor x = signed_tensor(2, h, w, channels, 1);
                std::vector<double> expected(std::size_t(2 * channels), 0.);
                for (std::size_t i = 0; i < x.size(); ++i)
                    expected[i / (x.size() / 2) * std::size_t(channels) + i % std::size_t(channels)] +=
                        double(x.data()[i]) / (h * w);
                kernel_case mean = pointwise_case(kernels->global_average_pool);
                mean.reads = fovea::footprint{.whole = true};
                INFO(kernels->name << " " << h << "x" << w << "x" << channels);
                // Sums of 16 values below 1 in float, each of whose roundings is below 2^-21.
                CHECK(difference(mean.result({&x}, 1, 1, channels), expected) < std::ldexp(1., -21));
            }
}
