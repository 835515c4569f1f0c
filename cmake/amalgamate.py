#!/usr/bin/env python3
"""Writes single_include/fovea/: fovea.hpp, the umbrella header with every header of the library in its place; and
two files that include it: pretrained.hpp, with the networks that the library brings, and fovea_cuda.cuh, with what is
for GPUs.

    amalgamate.py            writes the files
    amalgamate.py --check    exit 1 when a file is not what would be written

A header is written where it is first included. One that is first included inside an #if and elsewhere outside of any is
written before that #if; which ones these are, a first pass finds. What is included under several conditions and nowhere
without is written under each of them, and a macro per header takes the place of #pragma once.
"""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
folder = root / "single_include"

include_line = re.compile(r'\s*#\s*include\s*(?:"(fovea/[^"]+)"|<([^>]+)>)')
opens = re.compile(r"\s*#\s*if(.*)")
turns = re.compile(r"\s*#\s*(?:else|elif)")
closes = re.compile(r"\s*#\s*endif")


FORM = "fovea/core/header_form.hpp"  # says that a source file uses the folder; here it says the opposite
SINGLE_FORM = """#pragma once

#ifdef FOVEA_HEADER_FOLDER
#error "fovea: a header of single_include/fovea after those of include/fovea: use one form of the library in a source file"
#include "fovea: stop here, one error is enough"
#endif
#define FOVEA_SINGLE_HEADER 1
"""


def text_of(name):
    if name == FORM:
        return SINGLE_FORM
    return (root / "include" / name).read_text(encoding="utf-8")


def branches_of(lines):
    """The lines up to the #endif of the #if that the first one is."""
    depth = 0
    for i, line in enumerate(lines):
        depth += bool(opens.match(line)) - bool(closes.match(line))
        if depth == 0:
            return lines[:i]
    return lines


class Amalgamation:
    def __init__(self, needed_anyway=frozenset()):
        self.needed_anyway = needed_anyway  # headers that are included outside of any #if, somewhere
        self.lines = []
        self.conditions = []  # one per open #if, comparable where it is of the library's switches alone
        self.included = {}  # name: the sets of conditions under which it is included so far
        self.under_condition = set()  # headers written at least once inside an #if
        self.open_files = []
        self.files = set()  # that are written already: included, not written again

    def is_known(self, name):
        return any(conditions <= set(self.conditions) for conditions in self.included.get(name, []))

    def note(self, name):
        self.included.setdefault(name, []).append(set(self.conditions))

    def unconditional(self):
        return frozenset(name for name, under in self.included.items() if set() in under)

    # Before an #if: what its branches include and others need anyway.
    def before(self, lines):
        for line in lines:
            included = include_line.match(line)
            if not included or not included[1] or included[1] in self.files or included[1] in self.open_files:
                continue
            if included[1] in self.needed_anyway:
                self.header(included[1])
            else:
                self.before(text_of(included[1]).splitlines())

    def condition(self, text):
        text = text.split("//")[0].strip()
        return text if re.fullmatch(r"FOVEA_(WITH_\w+|IMAGE_FILES|DISPATCH)", text) else object()

    def header(self, name):
        if name in self.open_files:
            sys.exit(f"error: {name} includes itself: {' -> '.join(self.open_files)}")
        if self.is_known(name):
            return
        self.note(name)
        guard = None
        if self.conditions or name in self.under_condition:
            self.under_condition.add(name)
            guard = "FOVEA_SINGLE_" + re.sub(r"\W", "_", name).upper()
            self.lines += [f"#ifndef {guard}", f"#define {guard}"]
        self.lines += ["", f"// ---- {name}"]
        self.open_files.append(name)
        self.text(name, text_of(name))
        self.open_files.pop()
        if guard:
            self.lines.append("#endif")

    def text(self, name, text):
        depth = len(self.conditions)
        found_once = False
        lines = text.splitlines()
        for i, line in enumerate(lines):
            included = include_line.match(line)
            if line.strip() == "#pragma once":
                found_once = True
            elif included and included[1] in self.files:
                self.lines.append(f'#include "{pathlib.PurePosixPath(included[1]).name}"')  # beside this file, wherever that is
            elif included and included[1]:
                self.header(included[1])
            elif included and "." not in included[2]:  # the standard library's: once is enough
                if not self.is_known(included[2]):
                    self.note(included[2])
                    self.lines.append(line)
            else:
                if opened := opens.match(line):
                    if not self.conditions:
                        self.before(branches_of(lines[i:]))
                    self.conditions.append(self.condition(opened[1]))
                elif turns.match(line):
                    before = self.conditions.pop()
                    self.conditions.append("not " + before if isinstance(before, str) and "else" in line else object())
                elif closes.match(line):
                    self.conditions.pop()
                self.lines.append(line)
        if not found_once:
            sys.exit(f"error: {name} has no #pragma once")
        if len(self.conditions) != depth:
            sys.exit(f"error: {name}: an #if without its #endif")


def amalgamated(result):
    config = text_of("fovea/core/config.hpp")
    version = ".".join(re.search(rf"FOVEA_VERSION_{part} (\d+)", config)[1] for part in ("MAJOR", "MINOR", "PATCH"))
    copyright_line = next(l for l in (root / "LICENSE").read_text(encoding="utf-8").splitlines() if "Copyright" in l)
    for name, what in (("fovea/fovea.hpp", "the whole library in one header"),
                       ("fovea/pretrained.hpp", "with the networks that it brings"),
                       ("fovea/fovea_cuda.cuh", "with what is for GPUs")):
        result.lines = [
            f"// fovea {version}, {what}. {copyright_line.strip()}.",
            "// SPDX-License-Identifier: MIT",
            "// Generated by cmake/amalgamate.py from include/fovea: change the headers there, not this file.",
            "#pragma once",
        ]
        result.header(name)
        result.files.add(name)
        text = "\n".join(result.lines) + "\n"
        yield folder / name, re.sub(r"\n{3,}", "\n\n", text)


def main():
    first = Amalgamation()
    list(amalgamated(first))
    for target, text in amalgamated(Amalgamation(first.unconditional())):
        if "--check" in sys.argv[1:]:
            if not target.exists() or target.read_text(encoding="utf-8") != text:
                sys.exit(f"error: {target.relative_to(root)} is stale: run cmake/amalgamate.py and commit what it writes")
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


main()
