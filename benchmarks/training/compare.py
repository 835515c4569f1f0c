"""Training steps of fovea beside PyTorch's, in turn in one run, both in processes of their own that stop while the other
is timed: PYTHON_WITH_TORCH compare.py [--threads N] [--steps N] [--network NAME]... [--eager] [--build FOLDER]"""
import argparse
import os
import pathlib
import signal
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
VARIANTS = ([], ["channels_last"], ["compiled"], ["channels_last", "compiled"])


class Engine:
    def __init__(self, command, name, o, options=()):
        self.times = []
        self.process = subprocess.Popen([*map(str, command), name, str(o.threads), str(o.steps + 2), *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        start_new_session=True)
        self.read()  # the first step plans, allocates, compiles
        self.signal(signal.SIGSTOP)

    def signal(self, number):  # also to the compilers that PyTorch starts
        os.killpg(self.process.pid, number)

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("ended before its time")
        return float(line)

    def step(self):
        self.signal(signal.SIGCONT)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds = self.read()
        self.signal(signal.SIGSTOP)
        return seconds

    def finish(self):
        self.signal(signal.SIGCONT)
        megabytes = self.process.stdout.readline()
        self.signal(signal.SIGKILL)
        return int(megabytes or 0)


def measure(name, o):
    engines = {"fovea": Engine([o.build / "benchmarks/training/train_steps"], name, o)}
    for options in VARIANTS:
        if o.eager and "compiled" in options:
            continue
        try:
            engines[" ".join(["PyTorch", *options])] = Engine([sys.executable, HERE / "pytorch_steps.py"], name, o, options)
        except RuntimeError:
            print(f"{name}: PyTorch {' '.join(options)} cannot be run here", file=sys.stderr)
    for engine in engines.values():
        engine.step()  # cold: it was stopped
    for _ in range(o.steps):
        for engine in engines.values():
            engine.times.append(engine.step())
    medians = {key: statistics.median(engine.times) for key, engine in engines.items()}
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
