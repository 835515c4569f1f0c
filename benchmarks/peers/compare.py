"""fovea beside other engines; see run.sh, which makes the environment that this needs."""
import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys

import options
import report
from chart import chart


def machine():
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, {len(os.sched_getaffinity(0))} processors"


def commit():
    def git(*arguments):
        return subprocess.run(["git", "-C", options.REPOSITORY, *arguments], capture_output=True, text=True).stdout.strip()
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with changes" if git("status", "--porcelain", "--untracked-files=no") else "")


class Rows:
    """The rows of a run, on disk after each."""

    def __init__(self, path, settings, resume):
        self.path, self.settings, self.rows = path, settings, []
        if resume and path.exists():
            stored = json.loads(path.read_text())
            if stored["settings"] != settings:
                sys.exit(f"error: --resume: {path} is of {stored['settings']}, expected {settings}")
            self.rows = stored["rows"]

    def get(self, network, size, threads, measure):
        for row in self.rows:
            if (row["network"], tuple(row["size"]), row["threads"]) == (network, size, threads):
                return row
        row = measure()
        self.rows.append(row)
        self.path.write_text(json.dumps({"settings": self.settings, "rows": self.rows}, indent=1))
        return row


def kind_of(o):
    return "peers-memory" if o.memory else f"peers-{o.isa}" if o.isa else "peers"


def measure_all(o):
    import measure  # needs the environment, which --help does not
    from processes import Failed
    choices = measure.Choices(o.work)
    settings = {"kind": kind_of(o), "repetitions": o.repetitions, "engines": o.engine, "commit": commit()}
    rows, wanted = Rows(o.work / f"{kind_of(o)}.json", settings, o.resume), []
    for size in o.size:
        for network in o.network:
            for threads in o.threads:
                def one():
                    try:
                        if o.memory:
                            return measure.memory(o, network, size, threads)
                        return measure.times(o, network, size, threads, choices)
                    except Failed as reason:  # of peers it is caught where it is raised
                        sys.exit(f"error: fovea, {network}: {reason}")
                wanted.append(rows.get(network, size, threads, one))
                show(wanted[-1], o.engine)
    return wanted


def show(row, engines):
    table = report.memory_table if "megabytes" in row else report.time_table
    print(table([row], engines).splitlines()[-1], flush=True)


def write(o, text, picture):
    document = options.REPOSITORY / "docs" / "benchmarks.md"
    try:
        changed = report.replaced(document.read_text(), kind_of(o), text)
    except ValueError as problem:
        sys.exit(f"error: {document}: {problem}")
    if picture:
        (document.parent / f"{kind_of(o)}.svg").write_text(picture)
    document.write_text(changed)
    print(f"written: {document}", file=sys.stderr)


def main():
    o = options.parse()
    for program in [o.build / "benchmarks/networks/run_network", *([o.build / "examples/upscale"] if o.memory else [])]:
        if not program.exists():
            sys.exit(f"error: {program} is not there: build it with cmake --preset release && cmake --build --preset release")
    o.build, o.work = o.build.resolve(), o.work.resolve()
    o.work.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("error: terminated"))
    rows = measure_all(o)
    picture = "" if o.memory else chart(rows, o.engine)
    text = report.section(rows, o.engine, machine(), datetime.date.today().isoformat(), commit(), options.command_of(o),
                          o.repetitions, f"{kind_of(o)}.svg" if picture else "")
    if picture:
        (o.work / f"{kind_of(o)}.svg").write_text(picture)
    print("\n" + text)
    if o.write:
        write(o, text, picture)


if __name__ == "__main__":
    main()
