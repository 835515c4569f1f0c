// expect: fovea: conv: the skip must have the channels and the scale of the result
#include "fovea/backend/reference/reference.hpp"
#include "fovea/layers/conv.hpp"
#include "fovea/layers/resize.hpp"
#include "fovea/model/model.hpp"
using namespace fovea;
struct skips : maps<3, 3, ratio{2}> {
    template <class T, ratio S> static constexpr auto trace(T& t, value<3, S> x) {
        return conv<3, 3, 3>::trace(t, upsample<2>::trace(t, x), x);
    }
};
void make(const tensor_file& weights) { model<skips, reference>{weights}; }
