"""Engines as processes. Each stays until it is closed, and is stopped while it does not run: its idle threads, which may
spin, take no time from the engine that is measured."""
import atexit
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
MODULES = {"OpenVINO": "engine_openvino", "ONNX Runtime": "engine_onnxruntime", "ncnn": "engine_ncnn",
           "PyTorch": "engine_pytorch"}
# How an engine is told to do without AVX-512. MLAS in ONNX Runtime, and ncnn, ask the processor and nobody else.
AVX2 = {"fovea": {"FOVEA_ISA": "avx2"},
        "OpenVINO": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
        "PyTorch": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2",
                    "TORCHINDUCTOR_CPP_MARCH": "x86-64-v3"}}
# What the allocator gives back to the system it has to clear again for the next run: peers keep theirs. fovea does not
# need it, and has not got it.
KEEP_FREED_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 32), "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


class Failed(Exception):
    """An engine that cannot run a network; the message is one line."""


def environment(engine, threads, isa, work, keep_memory=True):
    e = {**os.environ, "OMP_NUM_THREADS": str(threads), "TORCHINDUCTOR_CACHE_DIR": str(work / "inductor")}
    if isa == "avx2":
        e |= AVX2.get(engine, {})
    if engine != "fovea" and keep_memory:
        e |= KEEP_FREED_MEMORY
    return e


class Process:
    """Lines in, lines out."""
    alive = []

    def __init__(self, name, command, env, log):
        self.name, self.log = name, log
        with open(log, "w") as errors:
            self.process = subprocess.Popen([str(c) for c in command], env=env, stdin=subprocess.PIPE, stderr=errors,
                                            stdout=subprocess.PIPE, text=True)
        Process.alive.append(self)

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            said = self.log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
            raise Failed(f"ended with {self.process.wait()}: {said[-1][:200]}")
        return line

    def ask(self, line):
        os.kill(self.process.pid, signal.SIGCONT)
        with contextlib.suppress(BrokenPipeError):  # read() tells why
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        return self.read()

    def rest(self):
        os.kill(self.process.pid, signal.SIGSTOP)

    def memory(self):
        """(peak resident, resident now) in MB."""
        fields = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines())
        return tuple(int(fields[f].split()[0]) / 1024 for f in ("VmHWM", "VmRSS"))

    def close(self):
        if self in Process.alive:
            Process.alive.remove(self)
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()


@atexit.register
def close_all():
    """A stopped process would never notice that it is alone."""
    for p in list(Process.alive):
        p.close()


class Fovea(Process):
    """benchmarks/networks/run_network."""
    variant, version = "", "fovea"

    def __init__(self, task, threads, isa, work, build, keep_memory=True):
        self.output_path, (height, width) = work / "fovea.raw", task.size
        super().__init__("fovea", [build / "benchmarks/networks/run_network", task.folder / "weights.safetensors",
                                   task.folder / "input.raw", self.output_path, height, width, threads],
                         environment("fovea", threads, isa, work), work / "fovea.log")

    def run(self):
        return float(self.ask("run"))

    def output(self, shape):
        c, h, w = shape
        return np.fromfile(self.output_path, np.float32).reshape(h, w, c).transpose(2, 0, 1)


class Peer(Process):
    """worker.py with an engine's module; has run once when it is made."""

    def __init__(self, engine, variant, task, threads, isa, work, keep_memory=True):
        self.variant, self.output_path = variant, work / f"{MODULES[engine]}.npy"
        super().__init__(engine, [sys.executable, HERE / "worker.py", MODULES[engine], variant, task.network, task.folder,
                                  threads, isa or ""],
                         environment(engine, threads, isa, work, keep_memory), work / f"{MODULES[engine]}.log")
        try:
            self.version = self.value("version", self.read())
        except BaseException:
            self.close()
            raise

    def value(self, key, line):
        answer = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer[key]

    def run(self):
        return self.value("seconds", self.ask("run"))

    def output(self, shape):
        self.value("seconds", self.ask(f"save {self.output_path}"))
        y = np.load(self.output_path)
        if y.shape != tuple(shape):
            raise Failed(f"output of {y.shape}, expected {tuple(shape)}")
        return y
