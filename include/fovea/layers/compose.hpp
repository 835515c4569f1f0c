// All layers that are composed of other layers.
#pragma once
#include "fovea/layers/branches.hpp"
#include "fovea/layers/checkpointed.hpp"
#include "fovea/layers/repeat.hpp"
#include "fovea/layers/residual.hpp"
#include "fovea/layers/sequential.hpp"
#include "fovea/layers/starts_small.hpp"
