#include "fovea/core/error.hpp"

#include "support/catch.hpp"

TEST_CASE("fail joins its parts into one line") {
    try {
        fovea::fail("photo.png: width ", 3, ", expected ", 4, '.');
    } catch (const fovea::error& e) {
        CHECK(std::string(e.what()) == "photo.png: width 3, expected 4.");
        return;
    }
    FAIL("fail returned");
}

TEST_CASE("the reason of a failure is what its error says, and none where there is none") {
    CHECK(fovea::reason_of_failure([] { fovea::fail("photo.png: ", 7); }) == "photo.png: 7");
    CHECK(fovea::reason_of_failure([] { throw std::runtime_error(""); }) == "failed without saying why");
    CHECK(fovea::reason_of_failure([] {}).empty());
}
