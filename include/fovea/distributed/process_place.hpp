// The place of this process among those of a run, from the environment that the launcher sets: torchrun and similar
// (RANK, WORLD_SIZE, LOCAL_RANK), Open MPI's mpirun (OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK), Slurm's srun
// (SLURM_PROCID, SLURM_STEP_NUM_TASKS or SLURM_NTASKS, SLURM_LOCALID), in this order. MASTER_ADDR and MASTER_PORT say
// where process 0 listens.
#pragma once
#include <charconv>
#include <functional>
#include <string>

#include "fovea/core/error.hpp"

namespace fovea {

struct process_place {
    int rank = 0, size = 1;
    int local_rank = 0; // rank among the processes of this machine
    std::string address{};
    int port = 0;
};

// Returns the value of an environment variable; null if it is not set.
using environment = std::function<const char*(const char* name)>;

namespace detail {

inline int number_of_variable(const environment& get, const char* name, int least, int most) {
    const std::string text = get(name);
    int value = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
    if (r.ec != std::errc{} || r.ptr != text.data() + text.size() || value < least || value > most)
        fail(name, '=', text, ": expected a number from ", least, " to ", most);
    return value;
}

struct place_variables {
    const char *rank, *size, *local;
};
inline void take_ranks(process_place& place, const environment& get, const place_variables& of) {
    constexpr int most = 1 << 20; // largest number of processes
    place.size = number_of_variable(get, of.size, 1, most);
    place.rank = number_of_variable(get, of.rank, 0, place.size - 1);
    place.local_rank = get(of.local) ? number_of_variable(get, of.local, 0, place.size - 1) : place.rank;
}

} // namespace detail

// Reads the place from the environment. Throws if variables are missing or invalid. If none is set there is one
// process.
inline process_place place_of_process(const environment& get) {
    // Slurm sets SLURM_NTASKS for a job's script, too, which is a single process; a step has a number of its own.
    const char* const tasks = get("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS";
    const detail::place_variables plain{"RANK", "WORLD_SIZE", "LOCAL_RANK"},
        open_mpi{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
        slurm{"SLURM_PROCID", tasks, "SLURM_LOCALID"};
    process_place place;
    for (auto& of : {plain, open_mpi, slurm}) {
        const bool is_slurm = of.size == tasks;
        if (!get(of.rank) && (is_slurm || !get(of.size))) continue; // a Slurm job without srun is one process
        for (const char* name : {of.rank, of.size})
            if (!get(name))
                fail(name == of.rank ? of.size : of.rank, " is set and ", name, " is not: expected both, or neither");
        detail::take_ranks(place, get, of);
        break;
    }
    if (place.size == 1) return place;
    for (const char* name : {"MASTER_ADDR", "MASTER_PORT"})
        if (!get(name) || !*get(name))
            fail(name, " is not set: expected where process 0 of ", place.size, " waits for the others");
    place.address = get("MASTER_ADDR"), place.port = detail::number_of_variable(get, "MASTER_PORT", 1, 65535);
    // torchrun itself listens on MASTER_PORT then, and its workers use the next port.
    const char* const taken = get("TORCHELASTIC_USE_AGENT_STORE");
    if (taken && std::string(taken) == "True" && ++place.port > 65535)
        fail("MASTER_PORT=65535: is torchrun's own: expected one below, so that the next one is free");
    return place;
}

} // namespace fovea
