// The library with the networks that it brings: fovea/fovea.hpp, and zoo/pretrained.hpp on top of it.
#pragma once
#include "fovea/fovea.hpp"
#include "fovea/zoo/pretrained.hpp"
