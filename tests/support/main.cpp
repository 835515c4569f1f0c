// Runs the tests; exit status 77 tells ctest that a test was skipped because what it needs is not here (see data.hpp).
#define CATCH_CONFIG_RUNNER
#include "support/catch.hpp"
#include "support/data.hpp"

namespace fovea_test {
bool skipped = false;
}

int main(int argc, char** argv) {
    int result = Catch::Session().run(argc, argv);
    return result == 0 && fovea_test::skipped ? 77 : result;
}
