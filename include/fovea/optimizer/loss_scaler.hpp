// Dynamic loss scaling for gradients in 16 bits: the loss is multiplied by `scale`, and gradients are divided by it.
// The scale doubles after `window` finite steps in a row; it is halved, down to `least`, at every `hysteresis`-th step
// that overflows. Micikevicius et al. 2018, arXiv 1710.03740.
#pragma once
#include <algorithm>

namespace fovea {

// The scale of the loss, and how it adapts.
struct loss_scaler {
    double scale = 65536, least = 1;
    int window = 1000, hysteresis = 2;
    int good = 0, bad = 0; // finite steps in a row, and overflows since the scale last changed

    // Records whether the gradients of a step are finite, adapts the scale, and returns whether the step may be taken.
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
