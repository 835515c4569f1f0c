#!/usr/bin/env python3
"""Every public name has a comment that documents it (docs/headers.py says which comments count).

    undocumented.py                 prints the public names without one; exit 1 if there is any
    undocumented.py --self-test     checks that undocumented names are found, and documented ones are not

Public are the classes, functions, enums, aliases, concepts and variables of namespace fovea and the namespaces in it,
and the public member functions of its classes, in the headers that fovea.hpp and pretrained.hpp include. Not public are
namespaces called `detail`, the kernels in backend/, and the numbers of zoo/pretrained/. Constructors, destructors,
assignments, conversions and comparisons need no comment, and neither do members whose contract stands in one place.
"""
import pathlib
import sys

repository = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(repository / "docs"))
from headers import declarations, reachable  # noqa: E402

by_contract = {
    "trace", "out_channels",  # layers/layer.hpp
    "f", "d",  # layers/activation.hpp
    "prepare", "step", "each_state",  # optimizer/optimizer.hpp
    "terms",  # loss/terms.hpp
}


def needs_comment(d):
    if d.scope[:1] != ("fovea",) or "detail" in d.scope or "" in d.scope or not d.public:
        return False
    if not d.in_class:
        return True
    if d.kind in ("class", "struct", "enum"):
        return True
    return d.kind == "function" and not (
        d.name == d.scope[-1] or d.name.startswith(("~", "operator=", "operator bool", "operator<"))
        or d.name == "operator==" or d.name in by_contract)


def undocumented(text):
    """[(line, full name)] of the public names without a comment, each name once."""
    found, seen = [], set()
    all_of_them, _ = declarations(text)
    documented = {d.full_name for d in all_of_them if d.documented_by}
    for d in all_of_them:
        if needs_comment(d) and d.full_name not in documented and d.full_name not in seen:
            seen.add(d.full_name)
            found.append((d.line, d.full_name))
    return found


def self_test():
    text = """// What this file is: opened_by.
#pragma once
#include <vector>

namespace fovea {

struct opened_by {};

struct bare {};

enum class bare_enum { a, b };

template <class T>
requires(sizeof(T) == 4) void bare_function(T x) { // a comment in a body counts for its line only
    // neither does this one
}

inline int other_bare_function(std::function<void(int)> f = {}) {
    return 1;
}

// Documented above.
template <int N, class F = std::less<>> class documented final : public bare {
  public:
    documented() : a_{1}, b_(2) {}
    int bare_member() const { return a_; }

    int trailing() const { return b_; } // documented behind

    // The group is documented by one comment.
    int first() const { return 1; }
    int second() const { return 2; }
    bool operator==(const documented&) const = default;

  private:
    void hidden();
    int a_, b_;
};

int behind(); // documented behind

// Overloads: one comment is enough,
void overload(int);

void overload(double);

namespace detail {
struct not_public {};
} // namespace detail

} // namespace fovea
"""
    names = [name.removeprefix("fovea::") for _, name in undocumented(text)]
    expected = ["bare", "bare_enum", "other_bare_function", "documented::bare_member"]
    # The comment behind the line that opens bare_function's body documents it.
    if sorted(names) != sorted(expected):
        sys.exit(f"error: self-test: expected {sorted(expected)}, found {sorted(names)}")


def main():
    if "--self-test" in sys.argv:
        return self_test()
    root = repository / "include"
    number = missing = 0
    for header in reachable(root, without=("fovea/backend/", "fovea/zoo/pretrained/")):
        text = (root / header).read_text(encoding="utf-8")
        number += sum(needs_comment(d) for d in declarations(text)[0])
        for line, name in undocumented(text):
            missing += 1
            print(f"include/{header}:{line}: {name} has no comment: expected what it is, its units, range and errors, above "
                  "it or behind it on its line")
    if number < 500:
        sys.exit(f"error: only {number} public names were found: expected more than 500")
    if missing:
        sys.exit(1)
    print(f"{number} public declarations, each with a comment")


main()
