#!/usr/bin/env python3
"""The names that `using namespace fovea` brings are those of tests/public_names.txt: adding one is a decision.

    public_names.py              prints names that are new, and lines that are not needed any more; exit 1 if there are any
    public_names.py --write      writes the list
    public_names.py --self-test  checks that a new name is found, and that names of inner namespaces are not

These are the classes, functions, enums, aliases, concepts and variables that the headers of fovea.hpp and pretrained.hpp
declare in namespace fovea itself, whatever their folder.
"""
import pathlib
import sys

repository = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(repository / "docs"))
from headers import declarations, reachable  # noqa: E402

known = repository / "tests/public_names.txt"


def names_in(text):
    return {d.name for d in declarations(text)[0] if d.scope == ("fovea",) and not d.in_class and d.name}


def names_of_the_library():
    first = {}
    root = repository / "include"
    for header in reachable(root):
        for name in names_in((root / header).read_text(encoding="utf-8")):
            first.setdefault(name, header)
    return {f"{name}  {header}" for name, header in first.items()}


def self_test():
    text = "namespace fovea {\nstruct a {\n    int b;\n};\nvoid c();\nnamespace detail {\nint d();\n}\nenum class e { f };\n}\n"
    found = names_in(text)
    if found != {"a", "c", "e"}:
        sys.exit(f"error: self-test: expected a, c and e, found {sorted(found)}")


def main():
    if "--self-test" in sys.argv:
        return self_test()
    now = names_of_the_library()
    if "--write" in sys.argv:
        return known.write_text("".join(line + "\n" for line in sorted(now)), encoding="utf-8")
    listed = set(known.read_text(encoding="utf-8").splitlines())
    for line in sorted(now - listed):
        print("new in namespace fovea:", line)
    for line in sorted(listed - now):
        print("not there any more:", line)
    if now != listed:
        sys.exit("error: expected the names of tests/public_names.txt (public_names.py --write)")
    print(len(now), "public names")


main()
