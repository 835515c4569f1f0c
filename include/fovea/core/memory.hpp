// The memory that this machine can spare.
#pragma once
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>
#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace fovea {

namespace detail {

// Returns the number at the beginning of a file, or `otherwise` if the file does not exist or begins with something
// else, such as "max" for a control group without a limit.
inline std::uint64_t number_in_file(const char* path, std::uint64_t otherwise) {
    std::ifstream file(path);
    std::uint64_t number = 0;
    return file >> number ? number : otherwise;
}

// Returns the bytes that the control group (cgroup v1 or v2) of this process may still use; UINT64_MAX without a limit.
inline std::uint64_t left_in_control_group() {
    struct pair {
        const char *limit, *used;
    };
    constexpr pair versions[] = {
        {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
        {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"}};
    std::uint64_t left = UINT64_MAX;
    for (auto& v : versions) {
        const std::uint64_t limit = number_in_file(v.limit, UINT64_MAX), used = number_in_file(v.used, 0);
        if (limit != UINT64_MAX) left = std::min(left, limit > used ? limit - used : 0);
    }
    return left;
}

} // namespace detail

// Returns the bytes that programs can use without swapping: on Linux its estimate (MemAvailable) within the limit of
// the control group, on other systems half of the physical memory. 0 if the system does not tell.
inline std::uint64_t available_memory() {
    std::ifstream table("/proc/meminfo");
    std::string name, unit;
    for (std::uint64_t kilobytes; table >> name >> kilobytes; std::getline(table, unit))
        if (name == "MemAvailable:") return std::min(kilobytes * 1024, detail::left_in_control_group());
#if __has_include(<unistd.h>) && defined(_SC_PHYS_PAGES)
    const long pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    if (pages > 0 && bytes > 0) return std::uint64_t(pages) / 2 * std::uint64_t(bytes);
#endif
    return 0;
}

// A memory budget in bytes that leaves room for other programs: half of the available memory, at least 1 GiB.
inline std::uint64_t default_memory_budget() {
    return std::max<std::uint64_t>(available_memory() / 2, std::uint64_t(1) << 30);
}

} // namespace fovea
