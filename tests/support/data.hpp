// Test data outside the repository: the folder named by FOVEA_DATA, with data/, weights/ and golden/.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace fovea_test {

extern bool skipped; // the program then exits with 77, which ctest reports as skipped

inline std::filesystem::path data_folder() {
    const char* folder = std::getenv("FOVEA_DATA");
    return folder ? folder : "";
}

// The path of a file or folder under FOVEA_DATA; empty, and the test counts as skipped, where that is not set or not
// there.
inline std::filesystem::path data(const std::string& name) {
    auto folder = data_folder();
    if (!folder.empty() && std::filesystem::exists(folder / name)) return folder / name;
    skipped = true;
    std::printf("skipped: needs %s under FOVEA_DATA\n", name.c_str());
    return {};
}

} // namespace fovea_test

// First line of a test case that needs test data: defines `variable`, or leaves the test as skipped.
#define FOVEA_NEEDS_DATA(variable, name)            \
    const auto variable = ::fovea_test::data(name); \
    if (variable.empty()) return
