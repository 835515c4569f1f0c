#include "common/training_log.hpp"

#include <cstdio>

namespace programs {

template <class F> void training_log::attempt(F f) {
    if (!file_) return;
    const std::string reason = fovea::reason_of_failure([&] { f(*file_); });
    if (reason.empty()) return;
    std::fprintf(stderr, "warning: %s: training goes on without this file\n", reason.c_str());
    file_.reset();
}

void training_log::add(const std::string& tag, std::int64_t step, double value) {
    attempt([&](fovea::event_file& f) { f.add_scalar(tag, step, value); });
}

void training_log::add(const std::string& tag, std::int64_t step, const fovea::image& picture) {
    attempt([&](fovea::event_file& f) { f.add_image(tag, step, picture); });
}

void training_log::add(const std::string& tag, std::int64_t step, const fovea::run_settings& table) {
    std::string text = "| option | value |\n|---|---|\n";
    for (auto& [option, value] : table) text += "| --" + option + " | " + value + " |\n";
    attempt([&](fovea::event_file& f) { f.add_text(tag, step, text); });
}

} // namespace programs
