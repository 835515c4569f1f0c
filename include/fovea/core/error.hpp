// Errors for bad input. The message is one line that names the file, tensor or option, the values, and what was
// expected.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "fovea/core/config.hpp"

namespace fovea {

// The exception for bad input; what() is the message.
class error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

namespace detail {

[[noreturn]] inline void terminate_with(const std::string& message) {
    std::fprintf(stderr, "error: %s\n", message.c_str());
    std::abort();
}

inline void append_text(std::string& to, std::string_view text) { to += text; }
inline void append_text(std::string& to, char c) { to += c; }
template <class T>
requires std::is_arithmetic_v<T>
void append_text(std::string& to, T number) { to += std::to_string(number); }

} // namespace detail

// Concatenates texts, characters and numbers.
template <class... Parts> std::string text_of(const Parts&... parts) {
    std::string all;
    (detail::append_text(all, parts), ...);
    return all;
}

// Throws fovea::error with text_of(parts...).
template <class... Parts> [[noreturn]] void fail(const Parts&... parts) { FOVEA_THROW(text_of(parts...)); }

// Calls f() and returns the message of the exception that it throws, or an empty text. For work whose failures are
// collected or handed to another thread. Without exceptions a failure ends the program.
template <class F> std::string reason_of_failure(F&& f) {
#if FOVEA_EXCEPTIONS
    try {
        f();
    } catch (const std::exception& e) {
        return *e.what() ? e.what() : "failed without saying why";
    }
#else
    f();
#endif
    return {};
}

} // namespace fovea
