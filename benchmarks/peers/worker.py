"""worker.py MODULE VARIANT NETWORK FOLDER THREADS ISA: one engine in a process of its own.

Answers with a line of JSON: first {"version": ...} when the network is loaded and has run once, then for every line on
standard input {"seconds": ...}: for `run` of a run, for `save PATH` after the last output was written as float32.
A failure is {"error": ...} and the end."""
import importlib
import json
import os
import pathlib
import sys
import time
import traceback
from dataclasses import dataclass


@dataclass
class Task:
    network: str
    folder: pathlib.Path
    threads: int
    isa: str

    def input(self):
        import numpy as np
        return np.load(self.folder / "input.npy")

    def torch_input(self):
        import torch
        return torch.from_numpy(self.input())


def serve(answer, module, variant, network, folder, threads, isa):
    engine = importlib.import_module(module)
    run = engine.load(Task(network, pathlib.Path(folder).resolve(), int(threads), isa), variant)
    y = run()
    answer(version=engine.version())
    for line in sys.stdin:
        command, _, path = line.strip().partition(" ")
        start = time.perf_counter()
        if command == "run":
            y = run()
        else:
            import numpy as np
            np.save(path, np.asarray(y, dtype=np.float32))
        answer(seconds=time.perf_counter() - start)


def main(*arguments):
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print; only answers go to the other side

    def answer(**what):
        print(json.dumps(what), file=channel, flush=True)
    try:
        serve(answer, *arguments)
    except Exception as problem:
        lines = str(problem).strip().splitlines() or ["no message"]
        answer(error=f"{type(problem).__name__}: {lines[0][:200]}")
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(0)  # without the libraries' destructors, whose order some of them do not survive


main(*sys.argv[1:])
