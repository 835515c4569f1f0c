// The settings of a run. They are kept in its checkpoints, so that it continues as it began, and compared among its
// processes.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/core/listing.hpp"
#include "fovea/distributed/training_group.hpp"
#include "fovea/io/weights/tensor_file.hpp"

namespace fovea {

using run_settings = std::vector<std::pair<std::string, std::string>>; // pairs of option and value

// Stores the settings in the metadata of a checkpoint, under "setting." and the name of the option.
inline void save_settings(tensor_file& file, const run_settings& settings) {
    for (auto& [option, value] : settings) file.metadata["setting." + option] = value;
}

// Throws one line that names every option which differs from the checkpoint's.
inline void check_settings(const tensor_file& file, const run_settings& settings) {
    listing wrong;
    const auto differ = [&](const std::string& option, const std::string& was, const std::string& is) {
        wrong.add(text_of("--", option, ' ', was, " and not ", is));
    };
    for (auto& [option, value] : settings) {
        const auto found = file.metadata.find("setting." + option);
        const std::string was = found == file.metadata.end() ? "not set" : found->second;
        if (was != value) differ(option, was, value);
    }
    constexpr std::string_view begin = "setting.";
    for (auto& [name, was] : file.metadata) // options that were set then and are not set now
        if (name.starts_with(begin)) {
            const std::string option = name.substr(begin.size());
            if (std::ranges::find(settings, option, &run_settings::value_type::first) == settings.end())
                differ(option, was, "its default");
        }
    if (!wrong.empty()) fail(file.source, ": was made with other settings: ", wrong.text());
}

namespace detail {

inline std::vector<std::byte> bytes_of_settings(const run_settings& settings) {
    std::string text;
    for (auto& [option, value] : settings) text += option + '\0' + value + '\0';
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}
inline run_settings settings_of_bytes(const std::vector<std::byte>& bytes) {
    run_settings settings;
    std::string parts[2];
    int at = 0;
    for (const std::byte b : bytes) {
        if (b != std::byte{0}) {
            parts[at] += char(b);
        } else if ((at ^= 1) == 0) {
            settings.emplace_back(std::move(parts[0]), std::move(parts[1]));
            parts[0].clear(), parts[1].clear();
        }
    }
    return settings;
}

} // namespace detail

// Called by all processes. Throws one line in every process if options differ from those of process 0 in one of them.
inline void check_same_settings(training_group& group, const run_settings& mine) {
    auto bytes = detail::bytes_of_settings(mine);
    share(group, bytes);
    const run_settings first = detail::settings_of_bytes(bytes);
    std::vector<double> differs(first.size() + 1); // the last entry: another number of settings
    for (std::size_t i = 0; i < first.size(); ++i) {
        const auto found = std::ranges::find(mine, first[i].first, &run_settings::value_type::first);
        differs[i] = found == mine.end() || found->second != first[i].second;
    }
    differs.back() = mine.size() != first.size();
    group.sum(std::span(differs));
    listing wrong;
    for (std::size_t i = 0; i < first.size(); ++i) {
        if (differs[i] == 0) continue;
        const auto& [option, value] = first[i];
        const auto found = std::ranges::find(mine, option, &run_settings::value_type::first);
        const std::string is = found == mine.end() ? "not set" : found->second;
        wrong.add(text_of("--", option, ' ', value,
                          is == value ? std::string(", and another value in others")
                                      : text_of(", and ", is, " in process ", group.rank())));
    }
    if (wrong.empty() && differs.back() > 0) wrong.add("and not the same ones are set everywhere");
    if (!wrong.empty())
        fail("processes have other options than process 0: ", wrong.text(), ": expected the same everywhere");
}

} // namespace fovea
