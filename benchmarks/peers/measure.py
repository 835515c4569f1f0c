"""What is measured of one network at one size: the fastest variant of each engine, times in turn, agreement, memory."""
import hashlib
import importlib
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass

import numpy as np

from processes import HERE, MODULES, Failed, Fovea, Peer, environment

# From the float64 reference, for values spread over 1: fovea's Winograd is off by some 1e-6; a peer's only bound is that
# it computes the same network in float32.
MOST_FOVEA, LEAST_PSNR, MOST_PEER = 1e-3, 80.0, 1e-2
CHOICE_SIDE = 256  # variants are compared on at most so much of an image


@dataclass
class Task:
    network: str
    size: tuple  # height, width
    folder: pathlib.Path

    def reference(self):
        """Of the output, or of its first rows and columns where that is large."""
        return np.load(self.folder / "reference.npy", mmap_mode="r")

    def output_shape(self):
        scale = int(self.network[-1])
        return 3, self.size[0] * scale, self.size[1] * scale


def prepare(network, size, work, with_reference=True):
    """The files of a network and size, as prepare.py makes them; made again when it or the network changes."""
    made_by = b"".join((HERE / f).read_bytes() for f in ("prepare.py", "networks.py"))
    key = f"{network} {size[0]}x{size[1]} {hashlib.sha256(made_by).hexdigest()[:8]}".replace(" ", "_")
    folder = work / "networks" / key
    complete = folder / ("reference.npy" if with_reference else "complete")
    if not (folder / "complete").exists() or not complete.exists():
        print(f"preparing {network}, {size[1]}x{size[0]}", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        done = subprocess.run([sys.executable, HERE / "prepare.py", network, *map(str, size), folder,
                               str(int(with_reference))], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"error: {network}: prepare.py failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
    return Task(network, size, folder)


def variants_of(engine):
    return importlib.import_module(MODULES[engine]).VARIANTS


def time_variants(engine, task, threads, isa, work):
    """Seconds of each variant that works: the better of two runs after one that is not counted."""
    seconds, reasons = {}, {}
    for variant in variants_of(engine):
        try:
            peer = Peer(engine, variant, task, threads, isa, work)
        except Failed as reason:
            reasons[variant] = str(reason)
            print(f"{engine}, {variant}: {reason}", file=sys.stderr)
            continue
        try:
            seconds[variant] = min(peer.run(), peer.run())
        except Failed as reason:
            reasons[variant] = str(reason)
        finally:
            peer.close()
    if not seconds:
        raise Failed("; ".join(f"{v}: {r}" for v, r in reasons.items()))
    return seconds


class Choices:
    """The fastest variant of an engine for a network, a number of threads and an instruction set, measured once in a run."""

    def __init__(self, work):
        self.work, self.known = work, {}

    def of(self, engine, network, size, threads, isa):
        small_size = tuple(min(s, CHOICE_SIDE) for s in size)
        key = (engine, network, small_size, threads, isa)
        if key not in self.known:
            small = prepare(network, small_size, self.work)
            try:
                seconds = time_variants(engine, small, threads, isa, self.work)
                print(f"{engine}: " + ", ".join(f"{v} {s:.3f}" for v, s in seconds.items()), file=sys.stderr)
                self.known[key] = min(seconds, key=seconds.get)
            except Failed as reason:
                self.known[key] = reason
        if isinstance(self.known[key], Failed):
            raise self.known[key]
        return self.known[key]


def first_part(y, reference):
    return y[:, :reference.shape[1], :reference.shape[2]]


def expected_of(y, reference):
    """What a peer is compared with: the reference, and where there is none, fovea's output y."""
    expected = np.array(y)
    first_part(expected, reference)[:] = reference
    return expected


def check_fovea(y, reference):
    """Raises SystemExit unless fovea is within its bounds; returns (largest difference, PSNR) for a spread of 1."""
    spread = float(reference.max() - reference.min())
    off = np.abs(y - reference) / spread
    largest, mean_square = float(off.max()), float((off * off).mean())
    psnr = -10 * math.log10(mean_square) if mean_square > 0 else math.inf
    if not (largest <= MOST_FOVEA and psnr >= LEAST_PSNR):
        sys.exit(f"error: fovea differs from the float64 reference by up to {largest:.2e}, PSNR {psnr:.1f} dB: expected at "
                 f"most {MOST_FOVEA:g} and at least {LEAST_PSNR:g} dB")
    return largest, psnr


def check_peer(name, y, reference):
    largest = float(np.abs(y - reference).max()) / float(reference.max() - reference.min())
    if not largest <= MOST_PEER:
        sys.exit(f"error: {name} differs from the float64 reference by up to {largest:.2e}: expected at most {MOST_PEER:g}")


def choose(o, task, threads, choices):
    """(fastest variant of each engine, reasons of those that cannot); before any process of the comparison is there."""
    variants, reasons = {}, {}
    for engine in o.engine[1:]:
        try:
            variants[engine] = choices.of(engine, task.network, task.size, threads, o.isa)
        except Failed as reason:
            reasons[engine] = str(reason)
    return variants, reasons


def start(o, task, threads, variants, processes, reasons):
    """fovea first; each has run once and is stopped."""
    processes.append(Fovea(task, threads, o.isa, o.work, o.build))
    processes[0].run()
    processes[0].rest()
    for engine, variant in variants.items():
        try:
            processes.append(Peer(engine, variant, task, threads, o.isa, o.work))
            processes[-1].rest()
        except Failed as reason:
            reasons[engine] = f"{variant}: {reason}"


def run_in_turn(processes, repetitions, reasons):
    """Seconds of every run of each; a peer that fails is taken out of processes, with its reason."""
    seconds = {p.name: [] for p in processes}
    for _ in range(repetitions):
        for p in list(processes):
            try:
                seconds[p.name].append(p.run())
                p.rest()
            except Failed as reason:
                if p is processes[0]:
                    raise
                reasons[p.name] = f"{p.variant}: {reason}"
                processes.remove(p)
                del seconds[p.name]
                p.close()
    return seconds


def times(o, network, size, threads, choices):
    """One row: seconds per engine, their variants, versions, what is missing and why."""
    task = prepare(network, size, o.work)
    variants, reasons = choose(o, task, threads, choices)
    processes = []
    try:
        start(o, task, threads, variants, processes, reasons)
        seconds = run_in_turn(processes, o.repetitions, reasons)
        reference = task.reference()
        y = processes[0].output(task.output_shape())
        largest, psnr = check_fovea(first_part(y, reference), reference)
        expected = expected_of(y, reference)
        for p in processes[1:]:
            check_peer(f"{p.name}, {p.variant}", p.output(expected.shape), expected)
            p.rest()
        return {"network": network, "size": list(size), "threads": threads, "isa": o.isa,
                "seconds": {n: statistics.median(s) for n, s in seconds.items()}, "missing": reasons,
                "variants": {p.name: p.variant for p in processes[1:]}, "versions": [p.version for p in processes[1:]],
                "difference": largest, "psnr": psnr}
    finally:
        for p in processes:
            p.close()


def peak_of_peer(engine, task, threads, work):
    """The least of the variants: (MB, variant)."""
    peaks, reasons = {}, []
    for variant in variants_of(engine):
        try:
            peer = Peer(engine, variant, task, threads, None, work, keep_memory=False)
            peaks[variant], version = peer.memory()[0], peer.version
            peer.close()
        except Failed as reason:
            reasons.append(f"{variant}: {reason}")
    if not peaks:
        raise Failed("; ".join(reasons))
    best = min(peaks, key=peaks.get)
    return peaks[best], best, version


def peak_of_upscale(task, threads, work, build):
    """From an image file to an image file, without a budget."""
    height, width = task.size
    image = work / "image.ppm"
    pixels = np.fromfile(task.folder / "input.raw", np.float32)
    image.write_bytes(b"P6 %d %d 255\n" % (width, height) + np.round(pixels * 255).astype(np.uint8).tobytes())
    command = [build / "examples/upscale", image, "--weights", task.folder / "weights.safetensors", "-o",
               work / "image_out.png", "--threads", threads]
    program = subprocess.Popen([str(c) for c in command], env=environment("fovea", threads, None, work),
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = program.stderr.read()
    _, status, used = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode:
        sys.exit(f"error: upscale: {said.strip()}")
    return used.ru_maxrss / 1024


def memory(o, network, size, threads):
    """One row of peaks in MB; one run each, without the settings that keep freed memory."""
    task = prepare(network, size, o.work, with_reference=False)
    fovea = Fovea(task, threads, None, o.work, o.build)
    fovea.run()
    row = {"network": network, "size": list(size), "threads": threads, "isa": None, "missing": {}, "variants": {},
           "versions": [], "megabytes": {"upscale": peak_of_upscale(task, threads, o.work, o.build),
                                         "fovea": fovea.memory()[0]}}
    fovea.close()
    for engine in o.engine[1:]:
        try:
            row["megabytes"][engine], row["variants"][engine], version = peak_of_peer(engine, task, threads, o.work)
            row["versions"].append(version)
        except Failed as reason:
            row["missing"][engine] = str(reason)
    return row
