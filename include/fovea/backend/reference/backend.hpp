// The reference backend: one plain loop per operation, the oracle for every other. Real is the type of all tensors.
#pragma once
#include "fovea/ops/gradient_kernel.hpp"

namespace fovea {

template <class Real> struct basic_reference { using storage = Real; };
using reference = basic_reference<float>;

} // namespace fovea
