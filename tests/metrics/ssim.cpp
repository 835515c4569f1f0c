#include "fovea/metrics/ssim.hpp"

#include "support/catch.hpp"

using namespace fovea;
