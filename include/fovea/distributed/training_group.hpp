// Processes that train one network together, each with a share of every batch. All processes must make the same calls
// in the same order. A process that has ended or is late causes an error in the others that names it.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "fovea/core/error.hpp"

namespace fovea {

// The communication of one process with the others; process_links is one over TCP.
class training_group {
  public:
    virtual ~training_group() = default;

    virtual int rank() const = 0;        // rank of this process, in [0, size())
    virtual int size() const = 0;        // number of processes
    virtual double deadline() const = 0; // seconds that a process waits for another

    // All-reduce: overwrites the numbers by their sum over all processes, added in the order of ranks, with the same
    // bits in each.
    virtual void sum(std::span<float>) = 0;
    virtual void sum(std::span<double>) = 0;
    // Copies the bytes of process 0 to all processes.
    virtual void broadcast(std::span<std::byte>) = 0;
    // Barrier without deadline: waits until all processes are here, for work that one process does alone or finishes
    // sooner.
    virtual void wait_for_all() = 0;
    // Throws if a process is known to have ended. Does not wait.
    virtual void check() = 0;

    // Whether this is process 0.
    bool is_first() const { return rank() == 0; }
};

// The sum of a number over the processes. Without a group there is one process.
inline double sum_over(training_group* group, double value) {
    if (group) group->sum(std::span(&value, 1));
    return value;
}

// Copies the bytes of process 0, of any length, to all processes.
inline void share(training_group& group, std::vector<std::byte>& bytes) {
    double size = double(bytes.size());
    group.broadcast(std::as_writable_bytes(std::span(&size, 1)));
    bytes.resize(std::size_t(size));
    group.broadcast(bytes);
}

} // namespace fovea
