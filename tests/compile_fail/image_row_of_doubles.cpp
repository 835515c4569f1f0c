// expect: fovea: image: samples are std::uint8_t, std::uint16_t or float
#include "fovea/image/image.hpp"

auto row(fovea::image& picture) { return picture.row<double>(0); }
