#include "fovea/io/json.hpp"

#include "io/support.hpp"

using fovea::detail::json_parser;
using fovea::detail::json_value;
using fovea_test::contains;
using fovea_test::error_of;

namespace {

std::string error_in_json(const std::string& text) {
    return error_of([&] { json_parser::read(text, "h"); });
}

} // namespace

TEST_CASE("json: values of every kind") {
    const auto value =
        json_parser::read(R"( {"a": [1, -2.5e1, true, false, null], "b\n\u00e9\ud83d\ude00": "x\\\"" } )", "h");
    REQUIRE(value.type == json_value::kind::object);
    const auto& list = value.items[0].items;
    CHECK(*list[0].integer() == 1);
    CHECK(std::get<double>(list[1].scalar) == -25);
    CHECK(std::get<bool>(list[2].scalar));
    CHECK_FALSE(std::get<bool>(list[3].scalar));
    CHECK(list[4].type == json_value::kind::null);
    CHECK(value.keys[1] == "b\n\xC3\xA9\xF0\x9F\x98\x80");
    CHECK(*value.items[1].text() == "x\\\"");
}

TEST_CASE("json: what is not JSON is refused, with its place") {
    for (const char* text : {"",
                             "{",
                             "[1,]",
                             "{\"a\"}",
                             "{\"a\":1,}",
                             "01",
                             "1.",
                             "+1",
                             "1 2",
                             "nul",
                             "'a'",
                             "\"a",
                             "\"\\x\"",
                             "\"\\u12\"",
                             "\"\\ud800\"",
                             "\"\\udc00\"",
                             "\"\x01\"",
                             "\"\xFF\"",
                             "\"\xC0\x80\"",
                             "\"\xED\xA0\x80\"",
                             "[1",
                             "{\"a\":1",
                             "/**/1",
                             "NaN",
                             "-",
                             "1e",
                             "99999999999999999999",
                             "1e999"})
        CHECK(contains(error_in_json(text), "h: JSON at byte "));
    CHECK(contains(error_in_json("{\"a\":1,\"a\":2}"), "the key \"a\" appears twice"));
    CHECK(contains(error_in_json(std::string(100000, '[')), "nested deeper"));
}

TEST_CASE("json: strings survive writing and reading") {
    std::string text;
    for (int c = 0; c < 128; ++c) text += static_cast<char>(c);
    text += "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
    std::string written;
    fovea::detail::append_json_string(written, text);
    CHECK(*json_parser::read(written, "h").text() == text);
    CHECK(contains(error_of([&] { fovea::detail::append_json_string(written, "\xFF"); }), "is not UTF-8"));
}
