// A callback that receives a notice: one line about something that is not an error but may matter to the caller.
#pragma once
#include <functional>
#include <string>

namespace fovea {

// Receives a notice: one line of text without a newline.
using notice_function = std::function<void(const std::string&)>;

} // namespace fovea
