// Writes the progress of a run for TensorBoard. If the file cannot be written any more, as on a full disk, one line
// warns, and the run goes on without it.
#pragma once
#include <optional>
#include <string>

#include "fovea/image/image.hpp"
#include "fovea/io/event_file.hpp"
#include "fovea/trainer/run_settings.hpp"

namespace programs {

class training_log {
  public:
    training_log() = default; // logs nothing
    // Throws if the folder or a file in it cannot be created.
    explicit training_log(const std::string& folder) { file_.emplace(folder); }

    explicit operator bool() const { return file_.has_value(); }
    void add(const std::string& tag, std::int64_t step, double value);
    void add(const std::string& tag, std::int64_t step, const fovea::image& picture);
    void add(const std::string& tag, std::int64_t step, const fovea::run_settings& table);

  private:
    template <class F> void attempt(F f);
    std::optional<fovea::event_file> file_;
};

} // namespace programs
