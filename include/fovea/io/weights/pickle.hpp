// A restricted unpickler that executes nothing. It reads what torch.save writes and other values beside the weights
// (pickle protocols 0 to 5, PEP 307, PEP 574). Names outside torch_globals, and the results of calling them, become
// foreign values (pickle_value.hpp). Memory is limited (pickle_stack.hpp), and the work is linear in the length of the
// pickle.
#pragma once
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fovea/io/weights/pickle_objects.hpp"

namespace fovea::detail {

class unpickler : pickle_objects {
  public:
    // `pickle` must outlive the result, which refers to its texts; `source` names it in errors.
    static pickle_value read(std::span<const std::byte> pickle, std::string source) {
        unpickler machine(pickle, std::move(source));
        while (machine.step()) {
        }
        return std::move(machine.result_);
    }

  private:
    using pickle_objects::pickle_objects;

    // Executes one opcode; returns false after the last.
    bool step() {
        const auto opcode = in_.number<std::uint8_t>();
        switch (opcode) {
                // clang-format off
        case 0x80: in_.take(1); break; // PROTO
        case 0x95: in_.take(8); break; // FRAME
        case '.': stop(); return false;
        case '(': mark(); break;
        case '0': discard(); break;
        case '1': pop_mark(); break;
        case '2': push_again(top()); break; // DUP
        case 'N': push(pickle_kind::none); break;
        case 0x88: push_integer(1, pickle_kind::boolean); break;
        case 0x89: push_integer(0, pickle_kind::boolean); break;
        case 'J': push_integer(in_.number<std::int32_t>()); break;
        case 'K': push_integer(in_.number<std::uint8_t>()); break;
        case 'M': push_integer(in_.number<std::uint16_t>()); break;
        case 'I': push_decimal(in_.line()); break;
        case 'L': push_decimal(in_.line()); break;
        case 0x8A: push_long(in_.number<std::uint8_t>()); break;
        case 0x8B: push_long(in_.number<std::uint32_t>()); break;
        case 'F': push_decimal_real(in_.line()); break;
        case 'G': push_real(); break;
        case 'S': push_quoted(in_.line()); break; // Python 2's str
        case 'V': push(pickle_kind::text).text = in_.line(); break;
        case 'X': push_text(in_.number<std::uint32_t>()); break;
        case 0x8C: push_text(in_.number<std::uint8_t>()); break;
        case 0x8D: push_text(in_.number<std::uint64_t>()); break;
        case 'T': push_text(in_.number<std::uint32_t>()); break; // Python 2's str
        case 'U': push_text(in_.number<std::uint8_t>()); break;
        case 'B': push_text(in_.number<std::uint32_t>(), pickle_kind::bytes); break;
        case 'C': push_text(in_.number<std::uint8_t>(), pickle_kind::bytes); break;
        case 0x8E: push_text(in_.number<std::uint64_t>(), pickle_kind::bytes); break;
        case 0x96: push_text(in_.number<std::uint64_t>(), pickle_kind::bytes); break; // BYTEARRAY8
        case 0x97: push_foreign("", "buffer outside of the pickle"); break; // NEXT_BUFFER
        case 0x98: top(); break; // READONLY_BUFFER
        case ')': push(pickle_kind::tuple); break;
        case ']': push(pickle_kind::list); break;
        case '}': push(pickle_kind::dictionary); break;
        case 't': push_items(pickle_kind::tuple, pop_mark()); break;
        case 'l': push_items(pickle_kind::list, pop_mark()); break;
        case 'd': push_items(pickle_kind::dictionary, pop_mark()); break;
        case 0x85: push_items(pickle_kind::tuple, pop(1)); break;
        case 0x86: push_items(pickle_kind::tuple, pop(2)); break;
        case 0x87: push_items(pickle_kind::tuple, pop(3)); break;
        case 'a': extend(pickle_kind::list, pop(1)); break;
        case 'e': extend(pickle_kind::list, pop_mark()); break;
        case 's': extend(pickle_kind::dictionary, pop(2)); break;
        case 'u': extend(pickle_kind::dictionary, pop_mark()); break;
        case 0x8F: push_foreign("", "set"); break; // EMPTY_SET
        case 0x90: pop_mark(); node(top(), pickle_kind::foreign, "a set to add to"); break; // ADDITEMS
        case 0x91: pop_mark(); push_foreign("", "frozenset"); break;
        case 'p': put(place(in_.line())); break;
        case 'q': put(in_.number<std::uint8_t>()); break;
        case 'r': put(in_.number<std::uint32_t>()); break;
        case 0x94: memoize(); break;
        case 'g': get(place(in_.line())); break;
        case 'h': get(in_.number<std::uint8_t>()); break;
        case 'j': get(in_.number<std::uint32_t>()); break;
        case 'c': { const auto module = in_.line(), name = in_.line(); push_global(module, name); break; }
        case 0x93: { const auto name = text(pop()), module = text(pop()); push_global(module, name); break; } // STACK_GLOBAL
        case 0x82: in_.take(1); push_foreign("", "extension", false); break; // EXT1, EXT2, EXT4: registered names
        case 0x83: in_.take(2); push_foreign("", "extension", false); break;
        case 0x84: in_.take(4); push_foreign("", "extension", false); break;
        case 'P': in_.line(); push_foreign("", "persistent id"); break;
        case 'Q': push_persistent(pop()); break;
        case 'R':
        case 0x81: reduce(); break; // REDUCE, NEWOBJ
        case 0x92: reduce_named(); break; // NEWOBJ_EX
        case 'i': instantiate(); break; // INST
        case 'o': instantiate_marked(); break; // OBJ
        case 'b': build(); break;
        default: fail_here("opcode ", int{opcode}, " is not one of a pickle");
                // clang-format on
        }
        return true;
    }

    // Integers of up to 64 bits are read; longer ones become foreign values.
    void push_long(std::size_t length) {
        const auto bytes = in_.take(length);
        if (length > 8) return push_foreign("", "int");
        std::uint64_t value = length > 0 && (bytes.back() & std::byte{0x80}) != std::byte{} ? ~std::uint64_t(0) : 0;
        for (std::size_t i = length; i-- > 0;) value = value << 8 | static_cast<std::uint64_t>(bytes[i]);
        push_integer(static_cast<std::int64_t>(value));
    }

    // Reads "12" or "12L" as an integer, "00" and "01" as booleans.
    void push_decimal(std::string_view digits) {
        if (digits == "00" || digits == "01") return push_integer(digits == "01", pickle_kind::boolean);
        if (digits.ends_with('L')) digits.remove_suffix(1);
        std::int64_t value = 0;
        const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (problem == std::errc::result_out_of_range) return push_foreign("", "int");
        if (problem != std::errc{} || end != digits.data() + digits.size())
            fail_here("expected an integer, not ", printable(digits));
        push_integer(value);
    }

    void push_decimal_real(std::string_view digits) {
        const std::string text(digits);
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        if (text.empty() || end != text.c_str() + text.size()) fail_here("expected a number, not ", printable(digits));
        push(pickle_kind::real).real = value;
    }

    void push_real() { // big-endian
        std::uint64_t bits = 0;
        for (const std::byte b : in_.take(8)) bits = bits << 8 | static_cast<std::uint64_t>(b);
        push(pickle_kind::real).real = std::bit_cast<double>(bits);
    }

    void push_text(std::uint64_t length, pickle_kind kind = pickle_kind::text) {
        const auto value = text_of_bytes(in_.take(length));
        push(kind).text = value;
    }

    // Escapes are not decoded, because names of tensors contain none.
    void push_quoted(std::string_view text) {
        if (text.size() < 2 || text.front() != text.back() || (text.front() != '\'' && text.front() != '"'))
            fail_here("expected a text in quotes");
        push(pickle_kind::text).text = text.substr(1, text.size() - 2);
    }

    std::uint32_t place(std::string_view digits) const {
        std::uint32_t value = 0;
        const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        if (problem != std::errc{} || end != digits.data() + digits.size())
            fail_here("expected a place in the memo, not ", printable(digits));
        return value;
    }

    void instantiate() {
        const auto module = in_.line(), name = in_.line();
        const auto arguments = pop_mark();
        push_global(module, name);
        call(pop(), arguments);
    }
    void instantiate_marked() {
        auto arguments = pop_mark();
        if (arguments.empty()) fail_here("an object without a class");
        const pickle_id type = arguments.front();
        arguments.erase(arguments.begin());
        call(type, arguments);
    }

    void stop() {
        result_.root = pop();
        result_.length = in_.position();
    }
};

} // namespace fovea::detail
