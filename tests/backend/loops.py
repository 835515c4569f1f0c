"""The innermost loops of the functions of an object file for x86-64, as objdump shows them.

A loop is what lies between a backward jump and its target; it is innermost when no other loop lies inside it."""
import os
import re
import subprocess
from dataclasses import dataclass

HEADER = re.compile(r"^[0-9a-f]+ <(.*)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S.*)$")
JUMP = re.compile(r"^j[a-z]+\s+([0-9a-f]+) <")
VECTOR = re.compile(r"%[xyz]mm\d")
SUM = re.compile(r"^(?:\{\w+\} )?(?:vfn?m(?:add|sub)|vpdpbusd)\w*")
FRAME = re.compile(r"^(?:mov\s+%rsp,%rbp|lea\s+[-0-9a-fx]*\(%rsp\),%rbp)$")


@dataclass
class Loop:
    body: list  # instructions
    frame: bool  # %rbp points into the stack

    @property
    def sums(self):
        """Fused multiply-adds of vectors, of floats, of halves or of 8-bit numbers."""
        return sum(bool(SUM.match(i)) for i in self.body)

    @property
    def on_stack(self):
        """Instructions that move vectors from or to the stack, or compute with one that lies there."""
        base = re.compile(r"\(%r(?:sp|bp)" if self.frame else r"\(%rsp")
        return [i for i in self.body if VECTOR.search(i) and base.search(i)]


def innermost_loops(lines):
    """Of one function: lines are (address, instruction)."""
    start = lines[0][0] if lines else 0
    spans = set()
    for address, text in lines:
        jump = JUMP.match(text)
        if jump and start <= int(jump[1], 16) <= address:
            spans.add((int(jump[1], 16), address))
    frame = any(FRAME.match(text) for _, text in lines)
    for first, last in sorted(spans):
        if not any((a, b) != (first, last) and first <= a and b <= last for a, b in spans):
            yield Loop([text for address, text in lines if first <= address <= last], frame)


def functions(listing):
    """(name, [(address, instruction)]) for each function of objdump's text."""
    name, lines = None, []
    for line in listing.splitlines():
        if header := HEADER.match(line):
            if name is not None:
                yield name, lines
            name, lines = header[1], []
        elif instruction := INSTRUCTION.match(line):
            lines.append((int(instruction[1], 16), instruction[2].split("#")[0].strip()))
    if name is not None:
        yield name, lines


def disassemble(path):
    return subprocess.run([os.environ.get("OBJDUMP", "objdump"), "-d", "--no-show-raw-insn", "-C", path], check=True,
                          capture_output=True, text=True).stdout
