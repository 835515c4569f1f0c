// Options of one run of a network on an image or tensor.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "fovea/core/notice.hpp"
#include "fovea/core/stop.hpp"
#include "fovea/engine/execute.hpp"

namespace fovea {

// Budget, schedule and callbacks of a run.
struct run_options {
    std::size_t memory_budget = std::size_t{1} << 30; // bytes of activations at once in host memory
    std::size_t device_budget = 0;                    // the same in GPU memory; 0: most of what is free
    std::optional<schedule> how{};                    // nothing: the cheapest schedule within the budget
    std::function<void(double)> progress{};           // called on the caller's thread with the fraction done, in (0, 1]
    stop_token stop{};                                // looked at between bands; a stopped run returns an empty image
    operation_observer observe{}; // is given the result of every operation, on the caller's thread; not on a GPU
    notice_function notice{};     // is told what the caller may want to know, such as that tiles are smaller
};

} // namespace fovea
