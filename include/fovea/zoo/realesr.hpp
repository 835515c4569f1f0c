// The compact network of Real-ESRGAN (realesr-animevideov3): plain convolutions with PReLU, plus the enlarged input.
// Wang et al. 2021, arXiv 2107.10833.
#pragma once
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/resize.hpp"

namespace fovea::zoo {

// The layers under the name `body`, numbered consecutively: convolution, PReLU, Depth times (convolution, PReLU),
// convolution.
template <int Features, int Depth, int Scale> struct compact_body : maps<3, 3 * Scale * Scale> {
    template <class T, ratio S> static constexpr auto trace(T& t, value<3, S> x) {
        int index = 0;
        auto numbered = [&]<class Layer>(Layer, auto in) { return apply_numbered<Layer>(t, index++, in); };
        auto z = numbered(prelu<Features>{}, numbered(conv<3, Features, 3>{}, x));
        for (int i = 0; i < Depth; ++i) z = numbered(prelu<Features>{}, numbered(conv<Features, Features, 3>{}, z));
        return numbered(conv<Features, 3 * Scale * Scale, 3>{}, z);
    }
};

// The network: Features channels, Depth convolutions between the first and the last one, magnification Scale.
template <int Features = 64, int Depth = 16, int Scale = 4>
using realesr_compact = sum<sequential<named<"body", compact_body<Features, Depth, Scale>>, pixel_shuffle<Scale>>,
                            upsample<Scale, nearest>>;

} // namespace fovea::zoo
