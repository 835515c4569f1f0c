"""fovea on a GPU beside PyTorch, eager and compiled, in turn in one run: PYTHON_WITH_TORCH compare.py [--runs N]
[--build FOLDER]. Prints a table; without a GPU, or a PyTorch that sees it, one line says so and nothing is measured."""
import argparse
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from in_turn import Engine, medians

VARIANTS = ([], ["channels_last"], ["bf16", "channels_last"], ["bf16", "channels_last", "compiled"])


def measure(what, network, o):
    arguments = [what, network, o.runs + 2]
    program = o.build / "benchmarks/gpu/gpu_times"
    engines = {"fovea": Engine([program, *arguments]), "fovea bf16": Engine([program, *arguments, "bf16"])}
    for options in VARIANTS:
        name = " ".join(["PyTorch", *options])
        try:
            engines[name] = Engine([sys.executable, HERE / "pytorch_times.py", *arguments, *options])
        except RuntimeError:
            print(f"{what}, {network}: {name} cannot be run here", file=sys.stderr)
    times = medians(engines, o.runs)
    for engine in engines.values():
        engine.finish()
    for name, seconds in times.items():
        print(f"| {what} | {network} | {name} | {1e3 * seconds:.2f} | {seconds / times['fovea bf16']:.2f} |", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--runs", type=int, default=9)
    p.add_argument("--build", type=pathlib.Path, default=HERE.parent.parent / "build/cuda")
    o = p.parse_args()
    program = o.build / "benchmarks/gpu/gpu_times"
    if not program.exists():
        sys.exit(f"error: {program}: not there: expected a build with FOVEA_CUDA=ON and FOVEA_BENCHMARKS=ON")
    probe = subprocess.run([program, "images", "vapsr-3x3", "1"], capture_output=True, text=True)
    if probe.returncode:
        sys.exit(f"skipped: {probe.stderr.strip()}")
    import torch
    if not torch.cuda.is_available():
        sys.exit("skipped: this PyTorch sees no GPU")
    print("| what | network | engine | ms | time / fovea's in bf16 |\n|---|---|---|---|---|")
    for what in ("images", "steps"):
        for network in ("supercool", "vapsr-3x3"):
            measure(what, network, o)


main()
