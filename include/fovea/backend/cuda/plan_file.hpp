// A file with a library's plans, by names, because measuring them takes longer than reading them. A damaged file is
// treated as missing.
//
//   fovea plans 1 CRC                  CRC of everything that follows, in hexadecimal digits
//   LENGTH LENGTH                      for each plan: lengths of its name and text, which follow
#pragma once
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "fovea/core/notice.hpp"
#include "fovea/io/atomic_file.hpp"
#include "fovea/io/crc32.hpp"
#include "fovea/io/read_file.hpp"

namespace fovea {

using plans_by_name = std::map<std::string, std::string>;

namespace detail {

inline constexpr std::string_view plan_file_begin = "fovea plans 1 ";
inline std::span<const std::byte> bytes_of_text(std::string_view s) {
    return std::as_bytes(std::span(s.data(), s.size()));
}
inline std::string checksum_of(std::string_view s) {
    char text[9];
    std::snprintf(text, sizeof text, "%08x", unsigned(crc32_of(bytes_of_text(s))));
    return text;
}
// Removes a number and the character `behind` after it from the beginning of s. Returns false if they are not there.
inline bool take_number(std::string_view& s, char behind, std::size_t& number) {
    const auto [end, problem] = std::from_chars(s.data(), s.data() + s.size(), number);
    const auto digits = std::size_t(end - s.data());
    if (problem != std::errc() || digits >= s.size() || s[digits] != behind) return false;
    s.remove_prefix(digits + 1);
    return true;
}

} // namespace detail

inline std::string plan_file_text(const plans_by_name& plans) {
    std::string all;
    for (auto& [name, plan] : plans) all += text_of(name.size(), ' ', plan.size(), '\n') + name + plan;
    return std::string(detail::plan_file_begin) + detail::checksum_of(all) + '\n' + all;
}
// Parses the text of a file; returns nothing if it is damaged.
inline std::optional<plans_by_name> plans_in(std::string_view text) {
    constexpr std::size_t begin = detail::plan_file_begin.size(), digits = 8;
    if (!text.starts_with(detail::plan_file_begin) || text.size() < begin + digits + 1) return {};
    if (text[begin + digits] != '\n') return {};
    const std::string_view sum = text.substr(begin, digits);
    text.remove_prefix(begin + digits + 1);
    if (sum != detail::checksum_of(text)) return {};
    plans_by_name plans;
    while (!text.empty()) {
        std::size_t name = 0, plan = 0;
        if (!detail::take_number(text, ' ', name) || !detail::take_number(text, '\n', plan)) return {};
        if (name > text.size() || plan > text.size() - name) return {};
        plans.emplace(text.substr(0, name), text.substr(name, plan));
        text.remove_prefix(name + plan);
    }
    return plans;
}

// The folder for cached data: $FOVEA_CACHE, else `fovea` in $XDG_CACHE_HOME or ~/.cache. Empty, such as for an empty
// FOVEA_CACHE: nothing is cached.
inline std::filesystem::path cache_folder() {
    const auto variable = [](const char* name) -> std::optional<std::string> {
        const char* value = std::getenv(name);
        return value ? std::optional<std::string>(value) : std::nullopt;
    };
    if (const auto own = variable("FOVEA_CACHE")) return *own;
    if (const auto caches = variable("XDG_CACHE_HOME"); caches && !caches->empty())
        return std::filesystem::path(*caches) / "fovea";
    if (const auto home = variable("HOME"); home && !home->empty())
        return std::filesystem::path(*home) / ".cache" / "fovea";
    return {};
}

// The plans of a file, which is read at construction. Problems with the file are notices, not errors.
class plan_file {
  public:
    plan_file(std::filesystem::path path, const notice_function& notice) : path_(std::move(path)) {
        std::error_code problem;
        if (path_.empty() || !std::filesystem::exists(path_, problem)) return;
        try_to(notice, [&] {
            const auto bytes = read_file(path_);
            auto found = plans_in({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
            if (!found) fail(path_.string(), ": is damaged");
            plans_ = std::move(*found);
        });
    }

    const std::string* find(const std::string& name) const { // null if there is none
        const auto at = plans_.find(name);
        return at == plans_.end() ? nullptr : &at->second;
    }
    void keep(const std::string& name, std::string plan) { plans_[name] = std::move(plan), changed_ = true; }

    // Writes the file if plans were added.
    void save(const notice_function& notice) {
        if (!std::exchange(changed_, false) || path_.empty()) return;
        try_to(notice, [&] {
            std::error_code problem;
            std::filesystem::create_directories(path_.parent_path(), problem); // a later write reports it
            write_file_atomically(path_, detail::bytes_of_text(plan_file_text(plans_)));
        });
    }

  private:
    template <class F> static void try_to(const notice_function& notice, F f) {
        const std::string why = reason_of_failure(f);
        if (!why.empty() && notice) notice(why + ": plans of convolutions are measured instead");
    }

    std::filesystem::path path_;
    plans_by_name plans_;
    bool changed_ = false;
};

} // namespace fovea
