// The stack machine that executes a pickle: a stack of values, marks in it, and a memo of values to recall. Its memory
// is limited to a small multiple of the pickle's size, and to two million values.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fovea/core/error.hpp"
#include "fovea/io/byte_reader.hpp"
#include "fovea/io/weights/pickle_value.hpp"

namespace fovea::detail {

class pickle_stack {
  protected:
    static constexpr std::size_t most_values = 2'000'000, most_marks = 1000, most_foreign = 200'000;

    pickle_stack(std::span<const std::byte> pickle, std::string source) : in_(pickle, std::move(source)) {}

    template <class... Parts> [[noreturn]] void fail_here(const Parts&... parts) const {
        fail(in_.source(), ": pickle, near byte ", in_.position(), ": ", parts...);
    }

    // ---- values
    pickle_node& push(pickle_kind kind) {
        if (result_.nodes.size() >= most_values) fail_here("holds more than ", most_values, " values");
        stack_.push_back(static_cast<pickle_id>(result_.nodes.size()));
        result_.nodes.emplace_back().kind = kind;
        return result_.nodes.back();
    }
    void push_integer(std::int64_t value, pickle_kind kind = pickle_kind::integer) { push(kind).integer = value; }

    void push_items(pickle_kind kind, std::vector<pickle_id> items) {
        if (kind == pickle_kind::dictionary && items.size() % 2 != 0) fail_here("a dictionary with a key and no value");
        push(kind).items = std::move(items);
    }

    // Pushes a value of which only the name is kept.
    void push_foreign(std::string_view module, std::string_view name, bool called = true) {
        if (result_.foreign.size() >= most_foreign) fail_here("refers to more than ", most_foreign, " foreign names");
        result_.foreign.push_back({module, name});
        push_foreign(static_cast<std::int64_t>(result_.foreign.size() - 1), called);
    }
    void push_foreign(std::int64_t name, bool called) {
        pickle_node& pushed = push(pickle_kind::foreign);
        pushed.integer = name, pushed.called = called;
        pushed.module = called && result_.foreign[static_cast<std::size_t>(name)].module.starts_with("__torch__");
    }

    // ---- stack and memo
    void push_again(pickle_id id) { stack_.push_back(id); }
    pickle_id top() const {
        if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail_here("takes a value from an empty stack");
        return stack_.back();
    }
    pickle_id pop() {
        const pickle_id id = top();
        stack_.pop_back();
        return id;
    }
    std::vector<pickle_id> pop(std::size_t count) {
        std::vector<pickle_id> items(count);
        while (count-- > 0) items[count] = pop();
        return items;
    }
    // POP removes the mark if no value lies above it.
    void discard() {
        if (!marks_.empty() && stack_.size() == marks_.back())
            marks_.pop_back();
        else
            pop();
    }
    std::vector<pickle_id> pop_mark() {
        if (marks_.empty()) fail_here("ends a list that never began");
        const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
        std::vector<pickle_id> items(begin, stack_.end());
        stack_.erase(begin, stack_.end());
        marks_.pop_back();
        return items;
    }
    void mark() {
        if (marks_.size() >= most_marks) fail_here("nests deeper than ", most_marks, " levels");
        marks_.push_back(stack_.size());
    }
    void put(std::uint32_t place) {
        if (memo_.size() >= most_values) fail_here("remembers more than ", most_values, " values");
        memo_[place] = top();
    }
    void memoize() { put(static_cast<std::uint32_t>(memo_.size())); }
    void get(std::uint32_t place) {
        const auto found = memo_.find(place);
        if (found == memo_.end()) fail_here("recalls value ", place, ", which it never kept");
        stack_.push_back(found->second);
    }

    // ---- checks of kinds
    const pickle_node& node(pickle_id id, pickle_kind kind, std::string_view what) const {
        const pickle_node& found = result_.nodes[id];
        if (found.kind == kind) return found;
        if (found.kind != pickle_kind::foreign) fail_here("expected ", what);
        fail_here("expected ", what, ", not ", printable(name_of_foreign(found)),
                  ", which is not understood and never executed");
    }
    std::string name_of_foreign(const pickle_node& n) const {
        return result_.foreign[static_cast<std::size_t>(n.integer)].text();
    }
    bool is(pickle_id id, pickle_kind kind) const { return result_.nodes[id].kind == kind; }
    std::string_view text(pickle_id id) const { return node(id, pickle_kind::text, "a text").text; }
    std::uint64_t count(pickle_id id) const {
        const std::int64_t value = node(id, pickle_kind::integer, "an integer").integer;
        if (value < 0) fail_here("expected an integer that is not negative, not ", value);
        return static_cast<std::uint64_t>(value);
    }

    // An instance of a foreign class becomes a list or a dictionary when it is used as one.
    void extend(pickle_kind kind, const std::vector<pickle_id>& items) {
        const bool pairs = kind == pickle_kind::dictionary;
        if (auto& target = result_.nodes[top()]; target.kind == pickle_kind::foreign && target.called)
            target.kind = kind;
        node(top(), kind, pairs ? "a dictionary to add to" : "a list to add to");
        if (pairs && items.size() % 2 != 0) fail_here("a dictionary with a key and no value");
        auto& all = result_.nodes[top()].items;
        all.insert(all.end(), items.begin(), items.end());
    }

    byte_reader in_;
    pickle_value result_;

  private:
    std::vector<pickle_id> stack_;
    std::vector<std::size_t> marks_; // size of the stack at each mark
    std::unordered_map<std::uint32_t, pickle_id> memo_;
};

} // namespace fovea::detail
