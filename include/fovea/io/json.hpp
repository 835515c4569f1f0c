// A JSON parser (RFC 8259) for the headers of weight files. It is strict: no comments, no duplicate keys, valid UTF-8
// only, limited depth and number of values. It is not meant as a general JSON library.
#pragma once
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "fovea/core/error.hpp"
#include "fovea/core/read_real.hpp"
#include "fovea/io/byte_reader.hpp"

namespace fovea::detail {

struct json_value {
    enum class kind : std::uint8_t { null, boolean, integer, real, text, array, object };

    kind type = kind::null;
    std::variant<bool, std::int64_t, double, std::string> scalar;
    std::vector<std::string> keys; // keys of an object; keys[i] belongs to items[i]
    std::vector<json_value> items; // elements of an array, values of an object

    const std::string* text() const { return std::get_if<std::string>(&scalar); }
    const std::int64_t* integer() const { return std::get_if<std::int64_t>(&scalar); }
    const json_value* find(std::string_view key) const {
        for (std::size_t i = 0; i < keys.size(); ++i)
            if (keys[i] == key) return &items[i];
        return nullptr;
    }
};

// Returns the length of the UTF-8 sequence at the start of `text`; 0 if it is invalid (overlong, surrogate, truncated).
inline std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
    const unsigned first = byte(0), second = byte(1);
    if (text.empty()) return 0;
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4 || !follows(1)) return 0;
    if (first < 0xE0) return 2;
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) || !follows(2)) return 0;
    if (first < 0xF0) return 3;
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F) || !follows(3)) return 0;
    return 4;
}

class json_parser {
  public:
    // Parses `text`; `source` names it in errors.
    static json_value read(std::string_view text, const std::string& source) {
        json_parser parser(text, source);
        json_value value = parser.value(0);
        parser.skip_space();
        if (parser.at_ < text.size()) parser.fail_here("more text after the end");
        return value;
    }

  private:
    static constexpr std::size_t deepest = 16, most_values = 2'000'000;

    json_parser(std::string_view text, const std::string& source) : text_(text), source_(source) {}

    template <class... Parts> [[noreturn]] void fail_here(const Parts&... parts) const {
        fail(source_, ": JSON at byte ", at_, ": ", parts...);
    }

    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void skip_space() {
        while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
    }
    bool take(std::string_view token) {
        if (!text_.substr(at_).starts_with(token)) return false;
        at_ += token.size();
        return true;
    }
    void expect(char c) {
        skip_space();
        if (peek() != c || at_ >= text_.size()) fail_here("expected '", c, "'");
        ++at_;
    }

    json_value value(std::size_t depth) {
        if (depth > deepest) fail_here("nested deeper than ", deepest, " levels");
        if (++values_ > most_values) fail_here("more than ", most_values, " values");
        skip_space();
        json_value result;
        switch (peek()) {
            case '{':
                read_object(result, depth);
                break;
            case '[':
                read_array(result, depth);
                break;
            case '"':
                result.type = json_value::kind::text;
                result.scalar = string();
                break;
            default:
                if (take("null")) break;
                if (take("true") || take("false")) {
                    result.type = json_value::kind::boolean;
                    result.scalar = text_[at_ - 2] == 'u';
                } else {
                    read_number(result);
                }
        }
        return result;
    }

    void read_object(json_value& result, std::size_t depth) {
        result.type = json_value::kind::object;
        std::unordered_set<std::string> seen;
        expect('{');
        skip_space();
        if (take("}")) return;
        do {
            skip_space();
            result.keys.push_back(string());
            if (!seen.insert(result.keys.back()).second)
                fail_here("the key \"", printable(result.keys.back()), "\" appears twice");
            expect(':');
            result.items.push_back(value(depth + 1));
            skip_space();
        } while (take(","));
        expect('}');
    }

    void read_array(json_value& result, std::size_t depth) {
        result.type = json_value::kind::array;
        expect('[');
        skip_space();
        if (take("]")) return;
        do {
            result.items.push_back(value(depth + 1));
            skip_space();
        } while (take(","));
        expect(']');
    }

    // -? (0 | [1-9] digits) (. digits)? ([eE] [+-]? digits)?; without the two last parts it is an integer.
    void read_number(json_value& result) {
        const std::size_t begin = at_;
        const auto digits = [&] {
            const std::size_t first = at_;
            while (peek() >= '0' && peek() <= '9') ++at_;
            if (at_ == first) fail_here("expected a value");
        };
        take("-");
        if (!take("0")) digits();
        bool integral = true;
        if (take(".")) integral = false, digits();
        if (take("e") || take("E")) {
            integral = false;
            if (!take("+")) take("-");
            digits();
        }
        const char *first = text_.data() + begin, *last = text_.data() + at_;
        result.type = integral ? json_value::kind::integer : json_value::kind::real;
        const bool in_range =
            integral ? std::from_chars(first, last, result.scalar.emplace<std::int64_t>()).ec == std::errc{}
                     : read_real(first, last, result.scalar.emplace<double>());
        if (!in_range) fail_here("the number ", printable(text_.substr(begin, at_ - begin)), " is out of range");
    }

    std::string string() {
        if (!take("\"")) fail_here("expected a string");
        std::string result;
        while (!take("\"")) {
            if (take("\\")) {
                read_escape(result);
                continue;
            }
            const std::size_t length = utf8_length(text_.substr(at_));
            if (length == 0) fail_here(at_ < text_.size() ? "not UTF-8" : "ends within a string");
            if (static_cast<unsigned char>(text_[at_]) < 0x20) fail_here("a control character within a string");
            result += text_.substr(at_, length);
            at_ += length;
        }
        return result;
    }

    void read_escape(std::string& to) {
        constexpr std::string_view escapes = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
        const std::size_t which = at_ < text_.size() ? escapes.find(peek()) : std::string_view::npos;
        if (which != std::string_view::npos) {
            to += meanings[which];
            ++at_;
            return;
        }
        if (!take("u")) fail_here("unknown escape");
        std::uint32_t point = hex4();
        if (point >= 0xDC00 && point < 0xE000) fail_here("half of a surrogate pair");
        if (point >= 0xD800 && point < 0xDC00) {
            const std::uint32_t low = take("\\u") ? hex4() : 0;
            if (low < 0xDC00 || low >= 0xE000) fail_here("half of a surrogate pair");
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
        }
        append_utf8(to, point);
    }

    std::uint32_t hex4() {
        std::uint32_t value = 0;
        const std::string_view digits = text_.substr(at_, 4);
        const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
        if (digits.size() != 4 || status != std::errc{} || end != digits.data() + 4) fail_here("expected 4 hex digits");
        at_ += 4;
        return value;
    }

    static void append_utf8(std::string& to, std::uint32_t point) {
        const auto append = [&](std::uint32_t byte) { to += static_cast<char>(byte); };
        if (point < 0x80) return append(point);
        if (point < 0x800) {
            append(0xC0 | point >> 6);
        } else {
            if (point < 0x10000) {
                append(0xE0 | point >> 12);
            } else {
                append(0xF0 | point >> 18);
                append(0x80 | (point >> 12 & 0x3F));
            }
            append(0x80 | (point >> 6 & 0x3F));
        }
        append(0x80 | (point & 0x3F));
    }

    std::string_view text_;
    const std::string& source_;
    std::size_t at_ = 0, values_ = 0;
};

// Appends `text` as a JSON string. Throws if it is not valid UTF-8.
inline void append_json_string(std::string& to, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    to += '"';
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8_length(text.substr(at));
        if (length == 0) fail("the text ", printable(text), " is not UTF-8");
        const auto first = static_cast<unsigned char>(text[at]);
        if (first == '"' || first == '\\') {
            to += '\\';
            to += text[at];
        } else if (first < 0x20) {
            to += "\\u00";
            to += digits[first >> 4];
            to += digits[first & 15];
        } else {
            to += text.substr(at, length);
        }
        at += length;
    }
    to += '"';
}

} // namespace fovea::detail
