// How one image or tensor is run through a network.
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
    std::size_t memory_budget = std::size_t{1} << 30; // bytes of activations at once, in the host's memory
    std::size_t device_budget = 0;                    // the same on a GPU, in its memory; 0: most of what is free there
    std::optional<schedule> how{};                    // else the one with the least work within the budget
    std::function<void(double)> progress{};           // called on the caller's thread with the part done, in (0, 1]
    stop_token stop{};            // asked between bands; a stopped run returns nothing (an empty image)
    operation_observer observe{}; // sees every operation's result, on the caller's thread; not on a GPU
    notice_function notice{};     // told what the caller may want to know, such as smaller tiles
};

} // namespace fovea
