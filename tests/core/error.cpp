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
