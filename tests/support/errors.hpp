// What an action says when it fails.
#pragma once
#include <string>

#include "fovea/core/error.hpp"

namespace fovea_test {

// The message of the fovea::error that the action throws; empty where it throws none.
template <class Action> std::string error_of(Action&& action) {
    try {
        action();
    } catch (const fovea::error& e) {
        return e.what();
    }
    return {};
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace fovea_test
