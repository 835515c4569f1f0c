#!/usr/bin/env python3
"""The folders of include/fovea depend downwards only: a header may include headers of its own folder and of folders that
come before it in `order`, which begins with the foundation and ends with what users write.

    folders.py              prints every include that points upwards; exit 1 where there is one
    folders.py --table      prints which folder includes which, with the number of includes
    folders.py --self-test  checks that such an include is found, in a tree made for it
"""
import pathlib
import re
import sys
import tempfile

order = [
    "core",  # configuration, errors, random numbers, threads, 16-bit numbers
    "tensor",  # views and storage
    "image",  # images, colour, resampling, augmentation, metadata
    "io",  # files: image codecs, weight files, event files, atomic writes
    "distributed",  # several processes of one training run
    "ops",  # operations: their shapes, attributes and formulas, and the contract of a kernel
    "graph",  # the list of operations, the tracer, the passes over it
    "layers",  # what a user composes networks of
    "plan",  # lifetimes, arena, tiling
    "backend",  # kernels
    "optimizer",
    "loss",
    "metrics",
    "engine",  # what runs a graph: on the host's threads, on a GPU
    "model",  # networks with weights, to run and to train
    "data",  # training data
    "zoo",  # published networks, and losses and metrics that are made of networks
    "trainer",  # training runs
    ".",  # the umbrella headers
]
include = re.compile(r'^\s*#\s*include\s+"fovea/([^"]+)"', re.MULTILINE)


def folder_of(path):
    return path.split("/")[0] if "/" in path else "."


def arrows(root):
    """(header, header that it includes) for every include between two folders."""
    for header in sorted(root.rglob("*")):
        if header.suffix not in (".hpp", ".cuh"):
            continue
        name = header.relative_to(root).as_posix()
        for other in include.findall(header.read_text(encoding="utf-8")):
            if folder_of(name) != folder_of(other):
                yield name, other


def upwards(root):
    rank = {folder: i for i, folder in enumerate(order)}
    for name, other in arrows(root):
        for path in (name, other):
            if folder_of(path) not in rank:
                sys.exit(f"error: include/fovea/{path}: the folder {folder_of(path)} has no place in the order of folders.py")
        if rank[folder_of(other)] > rank[folder_of(name)]:
            yield name, other


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in {
            "core/a.hpp": '#include "fovea/image/b.hpp"\n',
            "image/b.hpp": '#include "fovea/core/a.hpp"\n#include "fovea/image/c.hpp"\n',
            "image/c.hpp": '// #include "fovea/zoo/d.hpp"\n',
        }.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(text)
        found = list(upwards(root))
        if found != [("core/a.hpp", "image/b.hpp")]:
            sys.exit(f"error: self-test: expected core/a.hpp -> image/b.hpp alone, found {found}")


def main():
    root = pathlib.Path(__file__).resolve().parents[2] / "include/fovea"
    if "--self-test" in sys.argv:
        self_test()
    elif "--table" in sys.argv:
        for folder in order:
            counts = {other: 0 for other in order}
            for name, other in arrows(root):
                counts[folder_of(other)] += folder_of(name) == folder
            used = ", ".join(f"{other} {n}" for other, n in counts.items() if n)
            print(f"{folder:12} {used}")
    else:
        found = list(upwards(root))
        for name, other in found:
            print(f"include/fovea/{name}: includes fovea/{other}, but {folder_of(other)} comes after {folder_of(name)} in the order of folders")
        if found:
            sys.exit(1)


main()
