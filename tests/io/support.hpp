// What the tests of weight files share: the small files of make_vectors.py.
#pragma once
#include <filesystem>
#include <string>

#include "fovea/io/weights/read_weights.hpp"
#include "io/vectors.hpp"
#include "support/catch.hpp"
#include "support/compare.hpp"
#include "support/errors.hpp"

namespace fovea_test {

inline std::filesystem::path vector_file(const std::string& name) {
    return std::filesystem::path(FOVEA_VECTORS) / name;
}

} // namespace fovea_test
