// Composition of layers.
#pragma once
#include "fovea/compose/branches.hpp"
#include "fovea/compose/checkpointed.hpp"
#include "fovea/compose/repeat.hpp"
#include "fovea/compose/residual.hpp"
#include "fovea/compose/sequential.hpp"
#include "fovea/compose/starts_small.hpp"
