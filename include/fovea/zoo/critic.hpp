// The critic (discriminator) of SuperCool's fine-tuning: a residual network of bottleneck blocks that maps an image
// (N,H,W,3) to one logit, (N,1,1,1). It is a ResNet (He et al. 2016, arXiv 1512.03385) with SiLU.
#pragma once
#include "fovea/layers/compose.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/norm.hpp"
#include "fovea/layers/resize.hpp"

namespace fovea::zoo {

// y = SiLU(residual(x) + skip(x)). The skip is a convolution if channels or size change, else the identity.
template <int In, int Hidden, int Out, int Stride = 1> struct bottleneck : maps<In, Out, ratio{1, Stride}> {
    template <class T, ratio S> static constexpr auto trace(T& t, value<In, S> x) {
        const auto sum_with = [&](auto skip) {
            return apply_activation<silu>(t, apply<branch>(t, "residual", x, skip));
        };
        if constexpr (In == Out && Stride == 1)
            return sum_with(x);
        else
            return sum_with(apply<sequential<projection>>(t, "skip", x));
    }

  private:
    using branch =
        sequential<conv<In, Hidden, 1, identity, conv_options{.bias = false}>, batch_norm<Hidden>, silu,
                   conv<Hidden, Hidden, 3, identity, conv_options{.stride = Stride}>, silu, conv<Hidden, Out, 1>>;
    using projection = conv<In, Out, 1, identity, conv_options{.stride = Stride, .bias = false}>;
};

// The four stages under the name `detector`, with blocks numbered consecutively.
template <int... Blocks> struct detector : maps<64, 2048, ratio{1, 8}> {
    static_assert(sizeof...(Blocks) == 4);
    template <class T, ratio S> static constexpr auto trace(T& t, value<64, S> x) {
        constexpr int blocks[] = {Blocks...};
        int index = 0;
        auto stage = [&]<class First, class Next>(First, Next, auto in, int depth) {
            auto y = apply_numbered<First>(t, index++, in);
            for (int i = 1; i < depth; ++i) y = apply_numbered<Next>(t, index++, y);
            return y;
        };
        auto a = stage(bottleneck<64, 64, 256>{}, bottleneck<256, 64, 256>{}, x, blocks[0]);
        auto b = stage(bottleneck<256, 128, 512, 2>{}, bottleneck<512, 128, 512>{}, a, blocks[1]);
        auto c = stage(bottleneck<512, 256, 1024, 2>{}, bottleneck<1024, 256, 1024>{}, b, blocks[2]);
        return stage(bottleneck<1024, 512, 2048, 2>{}, bottleneck<2048, 512, 2048>{}, c, blocks[3]);
    }
};

template <int... Blocks>
using critic =
    sequential<named<"input", sequential<conv<3, 64, 7, identity, conv_options{.stride = 2, .bias = false}>,
                                         batch_norm<64>, silu, max_pool<3, 2>>>,
               named<"detector", detector<Blocks...>>, global_average_pool, named<"linear", linear<2048, 1>>>;

// Sizes of the critic: numbers of blocks in its four stages.
using critic_small = critic<3, 4, 6, 3>;
using critic_medium = critic<3, 4, 23, 3>;
using critic_large = critic<3, 8, 36, 3>;

} // namespace fovea::zoo
