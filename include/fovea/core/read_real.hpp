// Reads real numbers from text, independently of the locale.
#pragma once
#include <charconv>
#include <cmath>
#include <system_error>
#include <version>
#if !defined(__cpp_lib_to_chars)
#include <locale>
#include <sstream>
#include <string>
#endif

namespace fovea::detail {

// Reads all of [first, last) as a number as JSON writes it. Returns false if it is none, or too large for a double.
inline bool read_real(const char* first, const char* last, double& value) {
#if defined(__cpp_lib_to_chars)
    const auto [end, status] = std::from_chars(first, last, value);
    return status == std::errc{} && end == last;
#else // LLVM's library has from_chars for double only from version 20 on
    std::istringstream text(std::string(first, last));
    text.imbue(std::locale::classic());
    return text >> value && text.peek() == std::istringstream::traits_type::eof() && std::isfinite(value);
#endif
}

} // namespace fovea::detail
