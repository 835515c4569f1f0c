// Processes that train one network together, each with a share of every batch. What is sent here is sent by all of them
// in the same order. A process that has ended, or is late, is an error on the others that says which.
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "fovea/core/error.hpp"

namespace fovea {

class training_group {
  public:
    virtual ~training_group() = default;

    virtual int rank() const = 0; // of this process, in [0, size())
    virtual int size() const = 0;
    virtual double deadline() const = 0; // seconds that one waits for another

    // Over all processes, in the order of their ranks: the same bits in each.
    virtual void sum(std::span<float>) = 0;
    virtual void sum(std::span<double>) = 0;
    // The bytes of process 0, in all.
    virtual void broadcast(std::span<std::byte>) = 0;
    // Until all have come here, however long that takes: for work that one does alone, or one does sooner than another.
    virtual void wait_for_all() = 0;
    // Throws where a process is known to have ended. Waits for nothing.
    virtual void check() = 0;

    bool is_first() const { return rank() == 0; }
};

// The sum of one number over the processes; without a group there is one process.
inline double sum_over(training_group* group, double value) {
    if (group) group->sum(std::span(&value, 1));
    return value;
}

// What process 0 has, of any length, in all.
inline void share(training_group& group, std::vector<std::byte>& bytes) {
    double size = double(bytes.size());
    group.broadcast(std::as_writable_bytes(std::span(&size, 1)));
    bytes.resize(std::size_t(size));
    group.broadcast(bytes);
}

} // namespace fovea
