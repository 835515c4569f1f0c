"""The command line of the comparison; as a program, only whether it is right."""
import argparse
import pathlib
import re

ENGINES = ("fovea", "OpenVINO", "ONNX Runtime", "ncnn", "PyTorch")
NETWORKS = ("VapSR x2", "VapSR x4", "VapSR-3x3 x2", "SuperCool C64 x4", "SuperCool C128 x4")
MEMORY_NETWORKS = ("VapSR x2", "VapSR-3x3 x2", "SuperCool C64 x2")
TIME_SIZE, MEMORY_SIZE = (256, 256), (1080, 1920)
REPOSITORY = pathlib.Path(__file__).resolve().parent.parent.parent


def size_of(text):
    """Height and width: 256 or 540x960."""
    if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*)?", text):
        raise argparse.ArgumentTypeError(f"{text}: expected a side or HEIGHTxWIDTH, as 256 or 540x960")
    sides = [int(side) for side in text.split("x")]
    return (sides[0], sides[-1])


def positive(text):
    if not re.fullmatch(r"[1-9]\d*", text):
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number from 1")
    return int(text)


def one_of(names):
    """A name as it is written, or with other letters' cases."""
    def name_of(text):
        for name in names:
            if name.lower() == text.lower():
                return name
        raise argparse.ArgumentTypeError(f"{text}: expected one of {', '.join(names)}")
    return name_of


def parse(arguments=None):
    p = argparse.ArgumentParser(prog="benchmarks/peers/run.sh", description=(
        "Times fovea and other engines on the same networks, weights, inputs and numbers of threads, in turn in one run. "
        "Every engine's output is compared with a float64 run before its times count."))
    p.add_argument("--size", type=size_of, nargs="+", metavar="SIZE",
                   help="of the input: a side, or HEIGHTxWIDTH (default 256; with --memory 1080x1920)")
    p.add_argument("--threads", type=positive, nargs="+", default=[1, 2])
    p.add_argument("--repetitions", type=positive, default=5)
    p.add_argument("--network", type=one_of(NETWORKS + MEMORY_NETWORKS), action="append", metavar="NAME",
                   help=f"one of {', '.join(NETWORKS)}; may be repeated (default: all)")
    p.add_argument("--engine", type=one_of(ENGINES), action="append", metavar="NAME",
                   help=f"one of {', '.join(ENGINES)}; may be repeated (default: all); fovea always runs")
    p.add_argument("--isa", choices=["avx2"], help="every engine with this instruction set, as far as it can be told")
    p.add_argument("--memory", action="store_true", help="peak resident memory instead of times")
    p.add_argument("--write", action="store_true", help="put the table and chart into docs/benchmarks.md")
    p.add_argument("--resume", action="store_true", help="keep the rows that a run before has finished")
    p.add_argument("--build", type=pathlib.Path, default=REPOSITORY / "build" / "release",
                   help="build folder, with benchmarks/networks/run_network and examples/upscale (default build/release)")
    p.add_argument("--work", type=pathlib.Path, default=REPOSITORY / "build" / "peers" / "work",
                   help="folder of weights, inputs and references, reused (default build/peers/work)")
    o = p.parse_args(arguments)
    if o.memory and o.isa:
        p.error("--memory: memory does not depend on it; expected no --isa")
    o.size = o.size or [MEMORY_SIZE if o.memory else TIME_SIZE]
    o.network = o.network or list(MEMORY_NETWORKS if o.memory else NETWORKS)
    o.engine = [e for e in ENGINES if e == "fovea" or not o.engine or e in o.engine]
    return o


def command_of(o):
    """What to type for the same table again."""
    words = ["benchmarks/peers/run.sh"]
    if o.memory:
        words += ["--memory"]
    if o.size != [MEMORY_SIZE if o.memory else TIME_SIZE]:
        words += ["--size", *("x".join(map(str, s)) for s in o.size)]
    words += ["--threads", *map(str, o.threads)]
    if not o.memory:
        words += ["--repetitions", str(o.repetitions)]
    if o.isa:
        words += ["--isa", o.isa]
    if o.network != list(MEMORY_NETWORKS if o.memory else NETWORKS):
        words += [f"--network '{network}'" for network in o.network]
    if o.engine != list(ENGINES):
        words += [f"--engine '{engine}'" for engine in o.engine[1:]]
    return " ".join(words)


if __name__ == "__main__":
    parse()
