// Requests to stop work that another thread does: std::stop_source and std::stop_token, or, for LLVM's standard library
// up to version 19, which lacks them, two classes with the members that fovea uses.
#pragma once
#include <version>
#if defined(__cpp_lib_jthread)
#include <stop_token>
#else
#include <atomic>
#include <memory>
#include <utility>
#endif

namespace fovea {

#if defined(__cpp_lib_jthread)
using std::stop_source, std::stop_token;
#else
class stop_token {
  public:
    stop_token() = default; // no source: never asked to stop
    // As in std::stop_token.
    bool stop_requested() const noexcept { return asked_ && asked_->load(std::memory_order_acquire); }
    bool stop_possible() const noexcept { return asked_ != nullptr; }

  private:
    friend class stop_source;
    explicit stop_token(std::shared_ptr<std::atomic<bool>> asked) : asked_(std::move(asked)) {}
    std::shared_ptr<std::atomic<bool>> asked_;
};

class stop_source {
  public:
    // As in std::stop_source.
    stop_token get_token() const { return stop_token(asked_); }
    bool request_stop() noexcept { return !asked_->exchange(true, std::memory_order_acq_rel); }
    bool stop_requested() const noexcept { return asked_->load(std::memory_order_acquire); }

  private:
    std::shared_ptr<std::atomic<bool>> asked_ = std::make_shared<std::atomic<bool>>(false);
};
#endif

} // namespace fovea
