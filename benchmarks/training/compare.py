"""Training steps of fovea beside PyTorch's, in turn in one run, both in processes of their own that stop while the other
is timed: PYTHON_WITH_TORCH compare.py [--threads N] [--steps N] [--network NAME]... [--eager] [--build FOLDER]"""
import argparse
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from in_turn import Engine, medians as medians_of

VARIANTS = ([], ["channels_last"], ["compiled"], ["channels_last", "compiled"])


def measure(name, o):
    arguments = [name, o.threads, o.steps + 2]
    engines = {"fovea": Engine([o.build / "benchmarks/training/train_steps", *arguments])}
    for options in VARIANTS:
        if o.eager and "compiled" in options:
            continue
        try:
            engines[" ".join(["PyTorch", *options])] = Engine([sys.executable, HERE / "pytorch_steps.py", *arguments, *options])
        except RuntimeError:
            print(f"{name}: PyTorch {' '.join(options)} cannot be run here", file=sys.stderr)
    medians = medians_of(engines, o.steps)
    memory = {key: engine.finish() for key, engine in engines.items()}
    best = min((key for key in engines if key != "fovea"), key=medians.get)
    print(f"| {name} | {o.threads} | {medians['fovea']:.3f} | {medians[best]:.3f} ({best}) | "
          f"{medians[best] / medians['fovea']:.2f} | {memory['fovea']} | {min(memory[k] for k in memory if k != 'fovea')} |",
          flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--steps", type=int, default=5)
    p.add_argument("--network", action="append", choices=["supercool", "vapsr-3x3", "vapsr", "critic"])
    p.add_argument("--eager", action="store_true", help="leave out torch.compile, which takes minutes")
    p.add_argument("--build", type=pathlib.Path, default=HERE.parent.parent / "build/release")
    o = p.parse_args()
    print("| network | threads | fovea, s | fastest PyTorch, s | ratio | fovea, MB | smallest PyTorch, MB |\n|---|---|---|---|---|---|---|")
    for name in o.network or ["supercool", "vapsr-3x3", "vapsr", "critic"]:
        measure(name, o)


main()
