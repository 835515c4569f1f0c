// The three resamplers of super-resolution, which must not be confused (their files say how they differ):
// resize_matlab (test sets), resize_pillow (training pipelines), resize_framework (inside networks).
#pragma once
#include "fovea/image/resize_framework.hpp"
#include "fovea/image/resize_matlab.hpp"
#include "fovea/image/resize_pillow.hpp"
