"""Finds the declarations of a C++ header and the comments that document them. It is no C++ parser: it knows the style of
include/fovea, and that suffices to tell namespaces, classes, members and function bodies apart.

`reachable(root)` returns the public headers. `declarations(text)` returns every declaration outside function bodies. A declaration is documented by

- a comment that ends on the line above it, or that stands on one of its lines, at the end;
- the comment of its group: declarations that follow each other without a blank line share the comment above the first;
- the opening comment of the file, if the declaration's name is in it; of a member as a call, `name(`.
"""
import dataclasses
import re


def reachable(root, first=("fovea/fovea.hpp", "fovea/pretrained.hpp"), without=("fovea/zoo/pretrained/",)):
    """The headers below `root` that the first ones include, but for folders in `without` and what only these include."""
    found, left = set(), list(first)
    while left:
        name = left.pop()
        if name in found or name.startswith(without):
            continue
        found.add(name)
        left += re.findall(r'^\s*#\s*include "(fovea/[^"]+)"', (root / name).read_text(encoding="utf-8"), re.M)
    return sorted(found)


TOKEN = re.compile(r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<preprocessor>^[ \t]*\#(?:[^\n\\]|\\.|\\\n)*)
  | (?P<string>R"(?P<mark>[^()\\ ]{0,16})\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+')
  | (?P<word>[A-Za-z_]\w*)
  | (?P<number>\d[\w.']*)
  | (?P<sign>::|->|\[\[|\]\]|&&|\|\||[^\s\w])
""", re.X | re.S | re.M)
CLOSING = {"(": ")", "{": "}", "[": "]", "[[": "]]"}


@dataclasses.dataclass
class Token:
    kind: str
    text: str
    line: int  # of its first character, from 1
    end: int  # of its last character
    first: bool  # nothing but white space precedes it on its line
    column: int


@dataclasses.dataclass
class Declaration:
    kind: str  # class, struct, union, enum, function, alias, concept, variable, enumerator
    name: str
    scope: tuple  # names of the namespaces and classes around it; "" where they have none
    in_class: bool
    public: bool
    line: int
    end: int  # the line of its last character; for a type and a function, of the brace that opens its body
    documented_by: str = ""  # above, behind, group, opening, or nothing

    @property
    def full_name(self):
        return "::".join([*self.scope, self.name])


def tokens_of(text):
    tokens = []
    starts = [0] + [m.end() for m in re.finditer("\n", text)]
    line = 1
    for m in TOKEN.finditer(text):
        while line < len(starts) and starts[line] <= m.start():
            line += 1
        kind = next(k for k in ("comment", "preprocessor", "string", "word", "number", "sign") if m[k] is not None)
        before = text[starts[line - 1]:m.start()]
        tokens.append(Token(kind, m[0], line, line + m[0].count("\n"), before.strip() == "", len(before)))
    return tokens


class Parser:
    """Finds declarations, and the lines of what is no declaration for readers."""

    def __init__(self, text):
        self.all = tokens_of(text)
        self.code = [t for t in self.all if t.kind not in ("comment", "preprocessor")]
        self.found = []
        self.bodies = []  # (line of {, line of }) of function bodies and initialisers
        self.definitions = []  # (first line, last line) of members that are defined outside their class
        self.namespaces = []  # (name, first line, last line)
        self.i = 0
        self.parse_scope((), False, True)

    def at(self, offset=0):
        i = self.i + offset
        return self.code[i].text if i < len(self.code) else ""

    def skip_balanced(self):
        """Moves behind the bracket that closes the one at this place."""
        opening, closing, depth = self.at(), CLOSING[self.at()], 0
        while self.i < len(self.code):
            if self.at() == opening:
                depth += 1
            elif self.at() == closing:
                depth -= 1
            self.i += 1
            if depth == 0:
                return

    def skip_angles(self):
        depth = 0
        while self.i < len(self.code):
            t = self.at()
            if t in CLOSING:
                self.skip_balanced()
                continue
            depth += (t == "<") - (t == ">")
            self.i += 1
            if depth == 0 or t == ";":
                return

    def skip_body(self):
        begin = self.code[self.i].line
        self.skip_balanced()
        self.bodies.append((begin, self.code[self.i - 1].line))

    def skip_statement(self):
        while self.i < len(self.code) and self.at() != ";":
            if self.at() == "{":
                self.skip_body()
            elif self.at() in CLOSING:
                self.skip_balanced()
            else:
                self.i += 1
        self.i += 1

    def parse_scope(self, scope, in_class, public):
        while self.i < len(self.code) and self.at() != "}":
            if in_class and self.at() in ("public", "private", "protected") and self.at(1) == ":":
                public = self.at() == "public"
                self.i += 2
            elif self.at() == ";":
                self.i += 1
            else:
                self.parse_declaration(scope, in_class, public)
        self.i += 1

    def add(self, kind, name, scope, in_class, public, begin):
        last = self.code[min(self.i, len(self.code) - 1)]
        self.found.append(Declaration(kind, name, scope, in_class, public, self.code[begin].line, last.line))

    def parse_declaration(self, scope, in_class, public):
        begin = self.i
        where = (scope, in_class, public, begin)
        if self.at() in ("namespace", "inline") and "namespace" in (self.at(), self.at(1)):
            self.i += 1 + (self.at() == "inline")
            names = []
            while self.at() not in ("{", "=", ""):
                if self.at() != "::":
                    names.append(self.at())
                self.i += 1
            if self.at() == "=":
                return self.skip_statement()
            self.i += 1
            self.parse_scope(scope + tuple(names or [""]), False, True)
            self.namespaces.append(("::".join(names), self.code[begin].line, self.code[self.i - 1].line))
            return None
        if self.at() in ("static_assert", "friend") or (self.at() == "using" and self.at(1) == "namespace"):
            return self.skip_friend() if self.at() == "friend" else self.skip_statement()
        if re.fullmatch(r"FOVEA_\w+", self.at()) and self.at(1) == "(":  # a macro that makes declarations
            self.i += 1
            self.skip_balanced()
            return None
        if self.at() == "using":
            named = self.at(1) if self.at(2) == "=" else None
            self.skip_statement()
            self.i -= 1
            if named:
                self.add("alias", named, *where)
            self.i += 1
            return None
        while self.at() in ("template", "requires", "[[") or self.at() in ("explicit", "alignas") and self.at(1) == "(":
            if self.at() == "template":
                self.i += 1
                self.skip_angles() if self.at() == "<" else None
            elif self.at() == "requires":
                self.skip_requires()
            elif self.at() == "[[":
                self.skip_balanced()
            else:
                self.i += 1
                self.skip_balanced()
        if self.at() == "concept":
            name = self.at(1)
            self.skip_statement()
            self.i -= 1
            self.add("concept", name, *where)
            self.i += 1
            return None
        if self.at() in ("class", "struct", "union", "enum"):
            if self.parse_type(where):
                return None
        return self.parse_function_or_variable(where)

    def skip_friend(self):
        while self.i < len(self.code) and self.at() not in (";", "{"):
            self.skip_balanced() if self.at() in CLOSING else self.step()
        if self.at() == "{":
            self.skip_body()
        else:
            self.i += 1

    def step(self):
        self.i += 1

    def skip_requires(self):
        """requires A<T> && B<T>, requires (...), requires requires(...) {...}: moves behind the clause."""
        self.i += 1
        while True:
            if self.at() == "!":
                self.i += 1
            if self.at() == "requires":
                self.i += 1
                if self.at() == "(":
                    self.skip_balanced()
                self.skip_balanced()
            elif self.at() == "(":
                self.skip_balanced()
            else:
                while True:
                    self.i += 1
                    if self.at() == "<":
                        self.skip_angles()
                    if self.at() != "::":
                        break
                    self.i += 1
            if self.at() not in ("&&", "||"):
                return
            self.i += 1

    def parse_type(self, where):
        """A class or an enum with a body; False for anything else that begins with these words."""
        start = self.i
        kind = self.at()
        self.i += 1
        if self.at() in ("class", "struct"):
            self.i += 1
        while self.at() == "[[" or self.at() == "alignas":
            self.step() if self.at() == "alignas" else None
            self.skip_balanced()
        name = ""
        if self.code[self.i].kind == "word":
            name = self.at()
            self.i += 1
        special = self.at() == "<"
        if special:
            self.skip_angles()
        if self.at() == "final":
            self.i += 1
        if self.at() == ":":
            while self.at() not in ("{", ";"):
                self.skip_angles() if self.at() == "<" else self.step()
        if self.at() == ";":
            self.i += 1
            return True  # declared here, defined elsewhere
        if self.at() != "{":
            self.i = start
            return False
        scope, in_class, public, begin = where
        if name and not special:
            self.add(kind, name, *where)
        self.i += 1
        if kind == "enum":
            self.parse_enumerators(scope + (name,), public)
        else:
            inner = public and not (special and not name)
            self.parse_scope(scope + (name,), True, kind != "class" and inner if kind != "class" else False)
        if self.at() != ";":
            self.skip_statement()
        return True

    def parse_enumerators(self, scope, public):
        while self.i < len(self.code) and self.at() != "}":
            if self.code[self.i].kind == "word":
                self.add("enumerator", self.at(), scope, True, public, self.i)
            while self.at() not in (",", "}", ""):
                self.skip_balanced() if self.at() in CLOSING else self.step()
            if self.at() == ",":
                self.i += 1
        self.i += 1

    def parse_function_or_variable(self, where):
        name, qualified = "", False
        while self.i < len(self.code):
            t = self.at()
            if t == "operator":
                name = "operator"
                self.i += 1
                if self.at() == "(":
                    name += "()"
                    self.i += 2
                while self.at() != "(":
                    name += (" " if self.code[self.i].kind == "word" else "") + self.at()
                    self.i += 1
                return self.finish_function(name, qualified, where)
            if t in ("decltype", "alignas", "noexcept", "explicit", "__attribute__") and self.at(1) == "(":
                self.i += 1
                self.skip_balanced()
            elif t == "(":
                if self.code[self.i - 1].kind == "word":
                    return self.finish_function(name, qualified, where)
                self.skip_balanced()
            elif t in ("[", "[["):
                self.skip_balanced()
            elif t in (";", "=", "{", ",", ":"):
                if name and not qualified:
                    self.add("variable", name, *where)
                self.skip_statement()
                return None
            elif t == "<":
                self.skip_angles()
            elif t == "}":
                return None
            else:
                if self.code[self.i].kind == "word":
                    qualified = self.at(-1) == "::" and self.i > where[3]
                    name = t
                self.i += 1
        return None

    def finish_function(self, name, qualified, where):
        if self.at(-2) == "~":
            name = "~" + name
        self.skip_balanced()  # parameters
        while self.at() not in ("{", ";", ""):
            if self.at() == ":":  # initialisers of members
                self.i += 1
                while True:
                    while self.at() not in ("(", "{", ""):
                        self.skip_angles() if self.at() == "<" else self.step()
                    self.skip_balanced()
                    if self.at() == ".":
                        for _ in range(3):
                            self.i += 1
                    if self.at() != ",":
                        break
                    self.i += 1
            elif self.at() == "requires":
                self.skip_requires()
            elif self.at() in CLOSING:
                self.skip_balanced()
            elif self.at() == "<":
                self.skip_angles()
            elif self.at() == "=":
                while self.at() != ";":
                    self.i += 1
            else:
                self.i += 1
        member = qualified and not name.startswith("operator")
        if not member:
            self.add("function", name, *where)
        if self.at() == "{":
            self.skip_body()
        else:
            self.i += 1
        if member:
            self.definitions.append((self.code[where[3]].line, self.code[self.i - 1].line))


def declarations(text):
    """(declarations with `documented_by`, parser) of a header."""
    parser = Parser(text)
    lines = text.split("\n")
    comment_lines = {}  # lines with nothing but a comment: its column
    behind = {}  # lines with code and a comment behind it: its column
    opening = ""
    for t in parser.all:
        if t.kind == "comment":
            (comment_lines if t.first else behind).update(dict.fromkeys(range(t.line, t.end + 1), t.column))
    for line in lines:
        if not line.startswith("//"):
            break
        opening += line[2:] + "\n"
    opening_lines = opening.count("\n")
    if opening_lines and len(lines) > opening_lines and not lines[opening_lines].startswith("#"):
        opening_lines = 0  # a comment that belongs to what follows
    for d in sorted(parser.found, key=lambda d: d.line):
        above = d.line - 1
        if above in comment_lines and above > opening_lines and is_own(above, behind, comment_lines):
            d.documented_by = "above"
        elif any(line in behind for line in range(d.line, d.end + 1)):
            d.documented_by = "behind"
        else:
            earlier = [e for e in parser.found if e.scope == d.scope and e.line < d.line]
            neighbour = max(earlier, key=lambda e: e.line, default=None)
            if neighbour and neighbour.documented_by in ("above", "group") and together(neighbour, d, lines):
                d.documented_by = "group"
            elif opening_lines and re.search(r"(?<!\w)" + re.escape(d.name) + (r"\(" if d.in_class else r"(?!\w)"), opening):
                d.documented_by = "opening"
    return parser.found, parser


def is_own(line, behind, comment_lines):
    """Whether the comment that ends here has lines of its own: it does not continue one that is behind a line of code."""
    column = comment_lines[line]
    while comment_lines.get(line) == column:
        line -= 1
    return behind.get(line) != column


def together(first, second, lines):
    """Whether no blank line separates two declarations."""
    return all(lines[i].strip() for i in range(first.line - 1, second.line - 1))
