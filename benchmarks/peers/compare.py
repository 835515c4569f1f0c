"""Whole networks: fovea beside PyTorch and, where its packages are there, ncnn, in turn in one run.

    python3 benchmarks/peers/compare.py BUILD_FOLDER [--size 256] [--threads 1 2] [--repetitions 5] [--network NAME]

Needs PyTorch; for ncnn the Python packages ncnn and pnnx. Every engine gets the same random weights, input and number of
threads; outputs are compared. Prints a Markdown table: seconds are the median of interleaved repetitions, each after one run
that is not counted; the ratio is the fastest peer's median divided by fovea's.
"""
import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch

import networks


def write_safetensors(path, tensors, metadata):
    header, data, at = {"__metadata__": metadata}, [], 0
    for name, t in tensors.items():
        raw = t.detach().float().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [at, at + len(raw)]}
        data.append(raw)
        at += len(raw)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(data))


class Fovea:
    """A process that stays: one line in, one run, one line with its seconds out."""
    name = "fovea"

    def __init__(self, program, net, x, threads, folder):
        weights, self.out = os.path.join(folder, "w.safetensors"), os.path.join(folder, "out.raw")
        source = os.path.join(folder, "in.raw")
        write_safetensors(weights, net.state_dict(), {"range": "[0,1]"})
        x[0].permute(1, 2, 0).contiguous().numpy().tofile(source)
        self.process = subprocess.Popen([program, weights, source, self.out, str(x.shape[2]), str(x.shape[3]), str(threads)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self):
        self.process.stdin.write("run\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def output(self, shape):
        n, c, h, w = shape
        return np.fromfile(self.out, np.float32).reshape(h, w, c).transpose(2, 0, 1)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Torch:
    """The better of eager channels_last and a frozen, optimised script."""
    name = "PyTorch"

    def __init__(self, net, x, threads):
        torch.set_num_threads(threads)
        self.threads, best = threads, None
        last = x.to(memory_format=torch.channels_last)
        candidates = [(net, x), (net.to(memory_format=torch.channels_last), last)]
        try:
            candidates.append((torch.jit.optimize_for_inference(torch.jit.trace(net, x)), x))
        except Exception as problem:
            print("PyTorch: no frozen script:", problem, file=sys.stderr)
        for f, v in candidates:
            seconds = min(self.measure(f, v) for _ in range(2))
            if best is None or seconds < best:
                best, self.f, self.x = seconds, f, v

    @staticmethod
    def measure(f, x):
        with torch.inference_mode():
            start = time.perf_counter()
            f(x)
            return time.perf_counter() - start

    def run(self):
        torch.set_num_threads(self.threads)
        return self.measure(self.f, self.x)


class Ncnn:
    name = "ncnn"

    def __init__(self, net, x, threads, folder):
        import ncnn
        import pnnx
        path = os.path.join(folder, "net.pt")
        here = os.getcwd()
        os.chdir(folder)
        try:
            pnnx.export(net, path, x, fp16=False)
        finally:
            os.chdir(here)
        self.net = ncnn.Net()
        self.net.opt.num_threads = threads
        self.net.opt.use_fp16_packed = self.net.opt.use_fp16_storage = self.net.opt.use_fp16_arithmetic = False
        self.net.opt.use_bf16_storage = False
        if self.net.load_param(os.path.join(folder, "net.ncnn.param")) or self.net.load_model(os.path.join(folder, "net.ncnn.bin")):
            raise RuntimeError("ncnn cannot load the network")
        self.x = ncnn.Mat(x[0].numpy()).clone()
        self.threads = threads

    def run(self):
        import ncnn
        ncnn.set_omp_num_threads(self.threads)
        start = time.perf_counter()
        e = self.net.create_extractor()
        e.input("in0", self.x)
        status, y = e.extract("out0")
        seconds = time.perf_counter() - start
        if status:
            raise RuntimeError("ncnn cannot run the network")
        self.y = np.array(y)
        return seconds


def compare(name, size, threads, repetitions, program):
    net = networks.make(name)
    x = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        expected = net(x)[0].numpy()
    with tempfile.TemporaryDirectory() as folder:
        engines = [Fovea(program, net, x, threads, folder), Torch(networks.make(name), x, threads)]
        try:
            engines.append(Ncnn(networks.make(name), x, threads, folder))
        except ImportError:
            print("ncnn: packages ncnn and pnnx are not there: left out", file=sys.stderr)
        times = {e.name: [] for e in engines}
        for e in engines:
            e.run()
        for _ in range(repetitions):
            for e in engines:
                times[e.name].append(e.run())
        spread = expected.max() - expected.min()
        assert np.abs(engines[0].output((1, *expected.shape)) - expected).max() < 1e-4 * spread, "outputs differ"
        if len(engines) > 2:
            assert np.abs(engines[2].y - expected).max() < 1e-2 * spread, "ncnn's output differs"
        engines[0].close()
    return {n: statistics.median(t) for n, t in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="build folder, with benchmarks/networks/run_network in it")
    parser.add_argument("--size", type=int, nargs="+", default=[256, 256], help="height and width of the input")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--network", action="append", choices=networks.NETWORKS)
    o = parser.parse_args()
    size = (o.size * 2)[:2]
    program = os.path.join(o.build, "benchmarks", "networks", "run_network")
    print(f"Input {size[1]}x{size[0]}, float32, PyTorch {torch.__version__}.\n")
    print("| network | threads | fovea | PyTorch | ncnn | fastest peer / fovea |\n|---|---|---|---|---|---|")
    for name in o.network or networks.NETWORKS:
        for threads in o.threads:
            t = compare(name, size, threads, o.repetitions, program)
            peer = min(s for n, s in t.items() if n != "fovea")
            ncnn = f"{t['ncnn']:.3f}" if "ncnn" in t else "-"
            print(f"| {name} | {threads} | {t['fovea']:.3f} | {t['PyTorch']:.3f} | {ncnn} | {peer / t['fovea']:.2f} |", flush=True)


main()
