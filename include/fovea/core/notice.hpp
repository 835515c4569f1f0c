// Told what is no error but may matter to a caller, in one line.
#pragma once
#include <functional>
#include <string>

namespace fovea {

using notice_function = std::function<void(const std::string&)>;

} // namespace fovea
