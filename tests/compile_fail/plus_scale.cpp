// expect: fovea: plus: both values must be at the same scale: upsample or downsample one of them
#include "fovea/backend/reference/reference.hpp"
#include "fovea/layers/arithmetic.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/resize.hpp"
#include "fovea/model/model.hpp"
using namespace fovea;
struct skips : maps<3, 3, ratio{2}> { // the skip was forgotten to be enlarged
    template <class T, ratio S> static constexpr auto trace(T& t, value<3, S> x) {
        return plus(t, upsample<2>::trace(t, x), x);
    }
};
void make(const tensor_file& weights) { model<skips, reference>{weights}; }
