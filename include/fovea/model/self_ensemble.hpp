// Geometric self-ensemble: the mean of what a network makes of the eight orientations of an image, each turned back
// (Lim et al., Enhanced Deep Residual Networks for Single Image Super-Resolution, 2017, section 3.3). It takes eight
// times as long and gives a little more PSNR.
#pragma once
#include "fovea/image/convert.hpp"
#include "fovea/image/orientation.hpp"
#include "fovea/model/upscaler.hpp"

namespace fovea {

// (H,W,C) to (H*scale,W*scale,C), of the type of `in`. The mean is taken in float32, before samples are rounded. A run
// that o.stop ends gives an empty image. Throws as upscaler::operator() does.
inline image self_ensemble(upscaler& network, const image& in, const run_options& o = {}) {
    const image exact = with_type(in, sample_type::f32);
    image mean;
    for (int orientation = 1; orientation <= 8; ++orientation) {
        run_options part = o;
        if (o.progress) part.progress = [&](double done) { o.progress((orientation - 1 + done) / 8); };
        const image large = network(upright(exact, orientation), part);
        if (large.empty()) return {};
        const int inverse = orientation == 6 ? 8 : orientation == 8 ? 6 : orientation; // the others undo themselves
        const image turned = upright(large, inverse);
        if (mean.empty()) mean = image(turned.height(), turned.width(), turned.channels(), sample_type::f32);
        for (int y = 0; y < mean.height(); ++y) {
            const auto x = turned.row<float>(y);
            const auto sum = mean.row<float>(y);
            for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += x[i] / 8;
        }
    }
    mean.take_metadata_of(in);
    return with_type(mean, in.type());
}

} // namespace fovea
