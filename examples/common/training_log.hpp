// What a run tells TensorBoard. A file that cannot be written any more, as on a full disk, is a warning in one line;
// the run goes on without it.
#pragma once
#include <optional>
#include <string>

#include "fovea/image/image.hpp"
#include "fovea/io/event_file.hpp"
#include "fovea/trainer/run_settings.hpp"

namespace programs {

class training_log {
  public:
    training_log() = default; // nothing is kept
    // Throws where the folder or a first file in it cannot be made.
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
