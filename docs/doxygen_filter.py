#!/usr/bin/env python3
"""Doxygen reads a header of include/fovea through this filter: doxygen_filter.py HEADER writes it with the plain comments
that document a declaration turned into Doxygen's.

- A comment above a declaration becomes `///`, one behind it `///<`.
- The opening comment of a file documents the file, and also the declarations that have no comment of their own but are
  named in it. The declaration after which the file is named has it behind its own comment.
- Text in a comment is text: what Doxygen takes for a command or a tag is escaped. Lines that are indented by three spaces
  or more, formulas and examples, stay as they are.
- Comments in function bodies stay plain.
- Namespaces called `detail`, and members that are defined outside their class, are left out. Of a header in backend/
  only the type that names the backend is left, with the opening comment.
"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from headers import declarations  # noqa: E402


def escaped(text):
    """Text outside `...` with the characters escaped that mean something to Doxygen."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else re.sub(r"([\\@<>#%&|~\"]|(?<!\w)::|(?<!\w)\*|\*(?!\w)|(?<!\w)_|_(?!\w))", r"\\\1", p)
                   for p in parts)


def doxygen_lines(lines, marker):
    """The lines of a comment, without `//`, as lines of a Doxygen comment."""
    made, verbatim = [], False
    for line in lines:
        shown = line[1:] if line.startswith(" ") else line
        indented = shown.startswith("  ")
        if indented and not verbatim:
            made.append(f"{marker} \\verbatim")
            verbatim = True
        if verbatim and not indented and shown.strip():
            made.append(f"{marker} \\endverbatim")
            verbatim = False
        made.append(f"{marker} {shown if verbatim else escaped(shown)}".rstrip())
    if verbatim:
        made.append(f"{marker} \\endverbatim")
    return made


def filtered(text, stem):
    """The header `stem`.hpp for Doxygen."""
    found, parser = declarations(text)
    lines = text.split("\n")
    in_body = set()
    for begin, end in parser.bodies:
        in_body.update(range(begin + 1, end + 1))
    comments = {t.line: t for t in parser.all if t.kind == "comment" and t.text.startswith("//") and t.line not in in_body}
    behind = {line: t for line, t in comments.items() if not t.first}
    opening = []
    for line in lines:
        if not line.startswith("//"):
            break
        opening.append(line[2:])
    by_line = {}
    for d in found:
        by_line.setdefault(d.line, d)

    left_out = {}  # first line: last line
    hidden = [(begin, end) for name, begin, end in parser.namespaces if name.split("::")[-1] in ("detail", "")]
    for begin, end in parser.definitions + hidden:
        while lines[begin - 2].lstrip().startswith("//"):
            begin -= 1
        left_out[begin] = end

    made, i = [], 0
    if opening:
        made += ["/// \\file", *doxygen_lines(opening, "///")]
        i = len(opening)
    while i < len(lines):
        number = i + 1
        if number in left_out:
            i = left_out[number]
            continue
        here = comments.get(number)
        indent = " " * (here.column if here else 0)
        if here and here.first:
            block = []
            continues = behind.get(number - 1) and behind[number - 1].column == here.column
            while number in comments and comments[number].first and comments[number].column == here.column:
                block.append(comments[number].text[2:])
                number += 1
            made += [indent + line for line in doxygen_lines(block, "///<" if continues else "///")]
            i = number - 1
            continue
        d = by_line.get(number)
        main = d and not d.in_class and d.name == stem and d.documented_by == "above"
        if main:
            made.append("///")
        if d and (main or d.documented_by == "opening"):
            margin = lines[i][:len(lines[i]) - len(lines[i].lstrip())]
            made += [margin + line for line in doxygen_lines(opening, "///")]
        if here and not lines[i].startswith("}"):
            made.append(lines[i][:here.column] + "///<" + escaped(here.text[2:]))
        else:
            made.append(lines[i])
        i += 1
    return "\n".join(made)


def only_backend(text):
    """Of a header in backend/, the types by which users name the backend."""
    lines = text.split("\n")
    opening = []
    for line in lines:
        if not line.startswith("//"):
            break
        opening.append(line[2:])
    made = ["/// \\file", *doxygen_lines(opening, "///"), "namespace fovea {"]
    for d in declarations(text)[0]:
        if d.scope == ("fovea",) and d.name in ("cpu", "reference", "basic_reference"):
            made += [*doxygen_lines(opening, "///"), lines[d.line - 1]]
    return "\n".join([*made, "}", ""])


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    header = pathlib.Path(sys.argv[1])
    text = header.read_text(encoding="utf-8")
    sys.stdout.write(only_backend(text) if "backend" in header.parts else filtered(text, header.stem))
