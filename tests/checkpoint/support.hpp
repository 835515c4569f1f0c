// What the tests of weight files share: the small files of make_vectors.py, and what went wrong as a text.
#pragma once
#include <filesystem>
#include <string>

#include "checkpoint/vectors.hpp"
#include "fovea/checkpoint/read_weights.hpp"
#include "support/catch.hpp"
#include "support/same.hpp"

namespace fovea_test {

inline std::filesystem::path vector_file(const std::string& name) {
    return std::filesystem::path(FOVEA_VECTORS) / name;
}

// The message of the fovea::error that `run` throws, empty where it throws none.
template <class Run> std::string error_of(Run run) {
    try {
        run();
    } catch (const fovea::error& e) {
        return e.what();
    }
    return {};
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace fovea_test
