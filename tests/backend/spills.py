"""The inner loops of the hot kernels keep their sums in registers. Compilers that run out of them, or that do not unroll a
loop over an array of sums, move sums to the stack and back without a word, at a third of the speed.

    spills.py library SET ARCHIVE                    the kernels of an instruction set, as they were built
    spills.py compile SET SOURCE COMPILER OPTION...  as COMPILER makes them of SOURCE, at -O2
    spills.py self-test SOURCE COMPILER OPTION...    a kernel that spills is found, one that does not is not

SET is avx2, avx512, avx512vnni or avx512fp16; of avx512vnni there are the 8-bit kernels alone, of avx512fp16 those that
multiply in half precision.

A kernel is an innermost loop with at least so many fused multiply-adds, in a function of a given name. It must be there,
and of its instructions at most `most` may touch vectors on the stack.
"""
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import loops

# Vectors of output channels and pixels, as block_pixels in register_block.hpp has them.
BLOCKS = {"avx512": [(1, 14), (2, 14), (3, 8), (4, 6)], "avx2": [(1, 8), (2, 6), (3, 4)]}
# Neighbouring outputs of a depthwise filter of K taps: depthwise_block.
OUTPUTS = {"avx512": {3: 16, 5: 16, 7: 16}, "avx2": {3: 8, 5: 8, 7: 6}}
# The values between the two passes of Winograd's transforms, 36 or 64, do not fit the registers all at once, and clang++
# loads early: each may go out and come back twice. No sums are at stake here.
TRANSFORM = 4


@dataclass
class Kernel:
    name: str  # a pattern, of the function's name without its namespace
    sums: int
    most: int = 0
    taps: int = 0  # of a filter, in all its rows

    def allowed(self, loop):
        """Where a compiler unrolls the rows of a filter too, the loop is that over outputs, which pass through memory."""
        outputs, rest = divmod(loop.sums, self.taps) if self.taps else (0, 0)
        return self.most + (outputs if rest == 0 else 0)


def kernels_of(isa):
    if isa == "avx512vnni":
        return [Kernel(rf"sum_block<{vectors}, {pixels}, fetch_operands, to_sums<{vectors}, int>", vectors * pixels)
                for vectors, pixels in BLOCKS["avx512"]]
    if isa == "avx512fp16":
        return [Kernel(rf"sum_half_interval<{vectors}, {pixels}>", vectors * pixels) for vectors, pixels in BLOCKS["avx512"]]
    blocks = [Kernel(rf"sum_block<{vectors}, {pixels}, {fetch}, {ends}<{vectors}", vectors * pixels)
              for fetch, ends in (("fetch_operands", "to_sums"), ("fetch_ahead", "to_sums"),
                                  ("fetch_operands", "to_row"), ("fetch_ends", "to_row"))
              for vectors, pixels in BLOCKS[isa]]
    filters = [Kernel(rf"filter_row<{dilation}>|^(?!.*winograd_tiles).*attention_stream", 5 * OUTPUTS[isa][5])
               for dilation in (1, 3)]
    depthwise = [Kernel(rf"depthwise_shared<{k}>", k * outputs, taps=k * k) for k, outputs in OUTPUTS[isa].items()]
    # Multiply-adds of B^T d B and of A^T m A, about as many as the compiler fuses.
    transforms = [Kernel(rf"{function}<{tile}[,>]", sums, TRANSFORM * (tile + 2) ** 2)
                  for tile, inputs, outputs in ((4, 120, 40), (6, 250, 140))
                  for function, sums in (("transform_patches", inputs), ("finish_tile", outputs))]
    outer = [Kernel(rf"sum_outer<{vectors}, {pixels}, false>", vectors * pixels)
             for vectors, pixels in BLOCKS[isa] if vectors == 2]
    return blocks + filters + depthwise + transforms + outer


def faults(listing, kernels, namespace=""):
    """Sentences on kernels that are absent or that spill."""
    found = [(name.replace(namespace, ""), loop) for name, lines in loops.functions(listing) if namespace in name
             for loop in loops.innermost_loops(lines) if loop.sums]
    for kernel in kernels:
        named = [(name, loop) for name, loop in found if re.search(kernel.name, name)]
        whole = [(name, loop) for name, loop in named if loop.sums >= kernel.sums]
        if not whole:
            largest = max((loop.sums for _, loop in named), default=0)
            yield f"{kernel.name}: no innermost loop of {kernel.sums} multiply-adds or more; the largest has {largest}"
        for name, loop in whole:
            spilled = loop.on_stack
            if len(spilled) > kernel.allowed(loop):
                yield (f"{name[:100]}: {len(spilled)} vectors on the stack in a loop of {loop.sums} multiply-adds, "
                       f"expected at most {kernel.allowed(loop)}; the first: {spilled[0]}")


def compiled(source, command):
    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, "kernels.o")
        subprocess.run([*command, "-O2", "-c", source, "-o", target], check=True)
        return loops.disassemble(target)


def self_test(source, command):
    listing = compiled(source, command)
    cases = {"fits": 0, "spills": 1, "left_rolled": 1, "absent": 1}
    wrong = [name for name, expected in cases.items()
             if len(list(faults(listing, [Kernel(rf"\b{name}\(", 8)]))) != expected]
    return [f"self-test: {name}: judged wrongly" for name in wrong]


def main(mode, *arguments):
    if platform.machine() != "x86_64" or not shutil.which(os.environ.get("OBJDUMP", "objdump")):
        print("skipped: needs x86-64 and objdump")
        return 77
    if mode == "self-test":
        problems = self_test(arguments[0], arguments[1:])
    else:
        isa, file, *command = arguments
        listing = loops.disassemble(file) if mode == "library" else compiled(file, command)
        problems = list(faults(listing, kernels_of(isa), f"fovea::{isa}::"))
    print("\n".join(problems) or "sums stay in registers")
    return 1 if problems else 0


sys.exit(main(*sys.argv[1:]))
