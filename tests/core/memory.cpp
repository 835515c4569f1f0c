#include "fovea/core/memory.hpp"

#include "support/catch.hpp"

TEST_CASE("a budget is half of the memory that is free, and never less than 1 GB") {
    const auto available = fovea::available_memory();
    CHECK(available > (std::uint64_t(1) << 26)); // this test runs
    const auto budget = fovea::default_memory_budget();
    CHECK(budget >= (std::uint64_t(1) << 30));
    // Others take and give memory between the two calls.
    CHECK(double(budget) < std::max(1.5 * double(available) / 2, 1.01 * (1 << 30)));
}
