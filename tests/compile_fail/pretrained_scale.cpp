// expect: fovea: pretrained: the networks that are built in enlarge 2, 4 and 8 times
#include "fovea/backend/cpu/cpu.hpp"
#include "fovea/zoo/pretrained.hpp"
void make() { fovea::zoo::pretrained<3, fovea::cpu>(); }
