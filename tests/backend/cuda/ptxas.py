"""The GPU's named kernels keep what they compute in registers, for every architecture that is compiled for.

    ptxas.py NVCC SOURCE ARCHITECTURE OPTION...

SOURCE instantiates the kernels. Each must be there, use at most so many registers, and neither spill nor keep anything
on the stack. Exit 0; 1 with a line for each kernel that does not.
"""
import os
import re
import subprocess
import sys
import tempfile

# A part of the mangled name; registers: of 65536 for a multiprocessor, 128 a thread let two blocks of 256 run there.
KERNELS = {"convolution_kernelILi64E": 128, "convolution_kernelILi16E": 80, "depthwise_kernel": 64,
           "depthwise_tileILi5ELi1E": 96, "depthwise_tileILi5ELi3E": 96,
           "attention_branch_kernel": 168, # one block of 384 threads, for its memory's sake
           "layer_normalise_kernel": 64, "activate_values": 40, "load_samples": 40, "weight_gradient_kernel": 104,
           "layer_gradient_kernel": 64, "last_pass": 64, "normalise_weight_kernel": 64, "normalised_weight_gradient": 64,
           "loss_kernel": 80, "windows_kernel": 80, "squared_differences": 64, "square_pieces": 64, "judge_step": 64, "adam_update": 64, "sgd_update": 64,
           "adafactor_moments": 64, "adafactor_squares": 64, "adafactor_update": 64}


def resources(nvcc, source, architecture, options):
    """(kernel's mangled name, registers, bytes spilled, bytes of stack) of each kernel."""
    with tempfile.TemporaryDirectory() as folder:
        command = [nvcc, "-cubin", f"-arch=sm_{architecture}", "-Xptxas", "-v", *options, source, "-o",
                   os.path.join(folder, "kernels.cubin")]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        sys.exit(f"error: {' '.join(command)}\n{made.stderr}")
    pattern = re.compile(r"Function properties for (\S+)\s*\n\s*(\d+) bytes stack frame, (\d+) bytes spill stores, "
                         r"(\d+) bytes spill loads\s*\nptxas info\s*: Used (\d+) registers")
    return [(m[1], int(m[5]), int(m[3]) + int(m[4]), int(m[2])) for m in pattern.finditer(made.stderr)]


def main():
    nvcc, source, architecture, *options = sys.argv[1:]
    found = resources(nvcc, source, architecture, options)
    wrong = []
    for name, most in KERNELS.items():
        kernels = [k for k in found if name in k[0]]
        if not kernels:
            wrong.append(f"{name}: is not among the {len(found)} kernels of {source}")
        for _, registers, spilled, stack in kernels:
            print(f"sm_{architecture} {name}: {registers} registers, {spilled} bytes spilled, {stack} bytes of stack")
            if registers > most:
                wrong.append(f"{name}: {registers} registers, expected at most {most}")
            if max(spilled, stack) > 0:
                wrong.append(f"{name}: {spilled} bytes spilled, {stack} of stack, expected none")
    for line in wrong:
        print(f"error: sm_{architecture}: {line}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
