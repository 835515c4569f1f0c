// Dynamic loss scaling for gradients in 16 bits: the loss is multiplied by `scale`, gradients are divided by it. After
// `window` good steps it doubles; an overflow halves it once `hysteresis` of them have come. Micikevicius et al. 2018,
// arXiv 1710.03740.
#pragma once
#include <algorithm>

namespace fovea {

struct loss_scaler {
    double scale = 65536, least = 1;
    int window = 1000, hysteresis = 2;
    int good = 0, bad = 0; // steps since the last change

    // Returns whether the step may be taken.
    bool update(bool finite) {
        if (finite) {
            if (++good >= window) scale *= 2, good = 0, bad = 0;
            return true;
        }
        good = 0;
        if (++bad >= hysteresis) scale = std::max(least, scale / 2), bad = 0;
        return false;
    }
};

} // namespace fovea
