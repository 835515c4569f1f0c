#include "fovea/core/threads.hpp"

#include <cstdint>
#include <vector>

#include "support/catch.hpp"

TEST_CASE("parallel_for visits every index once, on the same worker each time") {
    for (int threads : {1, 2, 3, 5}) {
        fovea::thread_pool pool(threads);
        CHECK(pool.threads() == threads);
        for (int n : {0, 1, 2, 3, 7, 64}) {
            std::vector<int> first(std::size_t(n), -1), visits(std::size_t(n), 0);
            for (int repeat = 0; repeat < 50; ++repeat) {
                bool same = true;
                std::vector<int> worker_of(std::size_t(n), -1);
                pool.parallel_for(n, [&](int i, int worker) noexcept {
                    ++visits[std::size_t(i)];
                    worker_of[std::size_t(i)] = worker;
                });
                if (repeat == 0) first = worker_of;
                same = worker_of == first;
                REQUIRE(same);
            }
            for (int i = 0; i < n; ++i) {
                CHECK(visits[std::size_t(i)] == 50);
                CHECK((first[std::size_t(i)] >= 0 && first[std::size_t(i)] < threads));
            }
        }
    }
}

TEST_CASE("parallel_for_uneven visits every index once") {
    for (int threads : {1, 2, 3, 5}) {
        fovea::context c({.threads = threads});
        for (int n : {0, 1, 2, 7, 64}) {
            std::vector<int> visits(std::size_t(n), 0);
            c.parallel_for_uneven(n, [&](int i, int) noexcept { ++visits[std::size_t(i)]; });
            CHECK(visits == std::vector<int>(std::size_t(n), 1));
        }
    }
}

TEST_CASE("a call inside a call runs serially on its own worker") {
    fovea::thread_pool pool(2);
    std::vector<int> sum(2, 0), strangers(2, 0);
    pool.parallel_for(2, [&](int i, int worker) noexcept {
        pool.parallel_for(10, [&](int j, int inner) noexcept {
            sum[std::size_t(i)] += j;
            strangers[std::size_t(i)] += inner != worker;
        });
    });
    CHECK(sum == std::vector<int>{45, 45});
    CHECK(strangers == std::vector<int>{0, 0});
}

TEST_CASE("a pool inside another's work is a pool of its own") {
    fovea::thread_pool outer(2);
    std::vector<int> sum(2, 0);
    outer.parallel_for(2, [&](int i, int) noexcept {
        fovea::thread_pool inner(2);
        std::vector<int> parts(2, 0);
        inner.parallel_for(2, [&](int j, int) noexcept { parts[std::size_t(j)] = j + 1; });
        sum[std::size_t(i)] = parts[0] + parts[1];
    });
    CHECK(sum == std::vector<int>{3, 3});
}

TEST_CASE("a pool needs a thread") { CHECK_THROWS_AS(fovea::thread_pool(0), fovea::error); }

TEST_CASE("a context has aligned scratch memory for every worker") {
    fovea::context context({.threads = 2});
    CHECK(context.threads() == 2);
    CHECK(context.scratch(0) == nullptr);
    context.reserve_scratch(1000);
    context.reserve_scratch(100);
    CHECK(context.scratch_bytes() == 1000);
    for (int worker : {0, 1}) CHECK(reinterpret_cast<std::uintptr_t>(context.scratch(worker)) % 64 == 0);
    CHECK(context.scratch(0) != context.scratch(1));
    CHECK(fovea::context({.threads = 0}).threads() >= 1);
}
