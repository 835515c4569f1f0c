"""What the tests of programs share. A test is called as TEST.py CASE FOLDER_OF_PROGRAMS."""
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

case, programs = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
here = pathlib.Path(__file__).resolve().parent
sample = here.parent.parent / "examples" / "data" / "chelsea.png"
vectors = here.parent / "io" / "vectors"


def run(program, *arguments, timeout=600, **more):
    return subprocess.run([programs / program, *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                          errors="replace", **more)


def data(name):
    folder = os.environ.get("FOVEA_DATA", "")
    path = pathlib.Path(folder) / name
    if not folder or not path.exists():
        print(f"skipped: needs {name} under FOVEA_DATA")
        sys.exit(77)
    return path


def check(condition, *what):
    if not condition:
        print("failed:", *what)
        sys.exit(1)


def check_success(r):
    check(r.returncode == 0, r.args, r.returncode, r.stderr)


def check_error(r, *texts):
    """Exit 1 and exactly one line on standard error, which starts with `error:` and holds the texts."""
    lines = r.stderr.splitlines()
    check(r.returncode == 1, r.args, "exit", r.returncode, r.stderr[-2000:])
    check(len(lines) == 1 and lines[0].startswith("error: "), r.args, r.stderr[-2000:])
    for text in texts:
        check(str(text) in lines[0], r.args, "says", lines[0], "expected in it:", text)


def check_usage_error(r, *texts):
    """Exit 2 and one line on standard error."""
    lines = r.stderr.splitlines()
    check(r.returncode == 2, r.args, "exit", r.returncode, r.stderr[-2000:])
    check(len(lines) == 1 and lines[0].startswith("error: ") and lines[0].endswith(" (see --help)"), r.args, r.stderr)
    for text in texts:
        check(str(text) in lines[0], r.args, "says", lines[0], "expected in it:", text)


def check_clean(folder, *expected):
    """Nothing but these names is left in a folder: no partial or temporary file."""
    check(sorted(p.name for p in folder.iterdir()) == sorted(expected), [p.name for p in folder.iterdir()])


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, rows, depth=8, colour=2):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows))
            + png_chunk(b"IEND", b""))


def png_size(path):
    head = path.read_bytes()[:33]
    check(head[:8] == b"\x89PNG\r\n\x1a\n", path, "is no PNG")
    return struct.unpack(">IIBB", head[16:26])


def full_disk(size):
    """What the system does when a disk is full, for a process that is to be started: no file grows beyond `size`."""
    def limit():
        import resource
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


def run_case(cases):
    with tempfile.TemporaryDirectory() as folder:
        cases[case](pathlib.Path(folder))
