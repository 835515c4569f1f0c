// A value, or the message of the error that prevented it: the result of the functions whose names begin with try_. For
// programs without exceptions, and for those that skip a bad file and go on.
//
//     auto weights = fovea::try_read_tensor_file("net.pth");
//     if (!weights) return show(weights.error());
#pragma once
#include <string>
#include <utility>
#include <variant>

#include "fovea/core/error.hpp"

namespace fovea {

// The message of an error, one line. It converts to any expected<T>.
struct failed {
    std::string message;
};
// Makes the result of a function that has no value to return: return failure(path, ": no such file");
template <class... Parts> failed failure(const Parts&... parts) { return {text_of(parts...)}; }

// A value of type T, or the message of the error that prevented it.
template <class T> class [[nodiscard]] expected {
  public:
    expected(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    expected(failed f) : held_(std::in_place_index<1>, std::move(f.message)) {}

    // Whether there is a value.
    bool has_value() const { return held_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    // Without a value these fail with the message of error(), as fail() does.
    T& value() & { return check(), *std::get_if<0>(&held_); }
    const T& value() const& { return check(), *std::get_if<0>(&held_); }
    T&& value() && { return check(), std::move(*std::get_if<0>(&held_)); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }

    // The message, one line; empty if there is a value.
    const std::string& error() const {
        static const std::string none;
        return has_value() ? none : *std::get_if<1>(&held_);
    }

  private:
    void check() const {
        if (!has_value()) fail(error());
    }
    std::variant<T, std::string> held_;
};

#if FOVEA_EXCEPTIONS
// The result of f(), or the message of the exception that it throws.
template <class F> auto expected_of(F&& f) -> expected<decltype(f())> {
    try {
        return f();
    } catch (const std::exception& e) {
        return failed{*e.what() ? e.what() : "failed without saying why"};
    }
}
#endif

} // namespace fovea
