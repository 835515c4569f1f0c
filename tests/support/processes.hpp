// Processes that train together as threads of a test, with connections over loopback.
#pragma once
#include <functional>
#include <thread>

#include "fovea/distributed/process_links.hpp"
#include "support/errors.hpp"

namespace fovea_test {

inline int free_port() {
    fovea::tcp_socket door;
    door.listen("127.0.0.1", 0);
    return door.port();
}

// What each of f(rank) says when it fails.
inline std::vector<std::string> errors_of_threads(int count, const std::function<void(int)>& f) {
    std::vector<std::string> errors(static_cast<std::size_t>(count));
    std::vector<std::thread> threads;
    for (int rank = 0; rank < count; ++rank)
        threads.emplace_back([&, rank] { errors[std::size_t(rank)] = error_of([&] { f(rank); }); });
    for (auto& t : threads) t.join();
    return errors;
}
// The same of f(group).
inline std::vector<std::string> errors_of_processes(int count, const std::function<void(fovea::training_group&)>& f,
                                                    double deadline = 60) {
    const int port = free_port();
    return errors_of_threads(count, [&](int rank) {
        fovea::process_links links({rank, count, rank, "127.0.0.1", port}, deadline);
        f(links);
    });
}

} // namespace fovea_test
