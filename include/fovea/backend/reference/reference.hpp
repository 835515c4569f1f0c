// Includes all kernels of the reference backend.
#pragma once
#include "fovea/backend/reference/activation.hpp"
#include "fovea/backend/reference/arithmetic.hpp"
#include "fovea/backend/reference/conv2d.hpp"
#include "fovea/backend/reference/half.hpp"
#include "fovea/backend/reference/normalise.hpp"
#include "fovea/backend/reference/resize.hpp"
