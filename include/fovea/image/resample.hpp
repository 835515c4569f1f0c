// The three resamplers of super-resolution. They give different results, so use the one that fits: resize_matlab (test
// sets), resize_pillow (training pipelines), resize_framework (inside networks).
#pragma once
#include "fovea/image/resize_framework.hpp"
#include "fovea/image/resize_matlab.hpp"
#include "fovea/image/resize_pillow.hpp"
