"""What the tests of the training programs share: pictures, small networks, and what runs leave behind."""
import array
import json
import os
import random
import socket
import struct
import subprocess

from support import check, programs, run

NETWORK = ("--num-channels", "--hidden-ratio", "--num-layers", "--upscale-ratio")
SMALL = ("--recipe", "benchmark", "--num-channels", 8, "--hidden-ratio", 1, "--num-layers", 1, "--upscale-ratio", 2,
         "--target-resolution", 16, "--batch-size", 4, "--threads", 1, "--num-dataset-processes", 1)


def picture(seed, width=40, height=32):
    """A PPM file of slopes and noise."""
    r = random.Random(seed)
    a, b = r.uniform(1, 5), r.uniform(1, 5)
    pixels = bytes(max(0, min(255, int(a * x + b * y + 20 * c + r.gauss(0, 8))))
                   for y in range(height) for x in range(width) for c in range(3))
    return b"P6 %d %d 255\n" % (width, height) + pixels


def pictures(folder, count=12, **size):
    folder.mkdir()
    for i in range(count):
        (folder / f"{i:02}.ppm").write_bytes(picture(i, **size))
    return folder


def gray_cmyk_jpeg(width, height):
    """The shortest JPEG of four channels: every block is 128, each Huffman table has one code of one bit."""
    def segment(marker, body):
        return struct.pack(">BBH", 0xff, marker, 2 + len(body)) + body
    table = bytes([1] + 15 * [0] + [0])
    blocks = (width // 8) * (height // 8) * 4
    return (b"\xff\xd8" + segment(0xdb, b"\0" + bytes(64 * [1]))
            + segment(0xc0, struct.pack(">BHHB", 8, height, width, 4)
                      + b"".join(bytes([c, 0x11, 0]) for c in range(1, 5)))
            + segment(0xc4, b"\0" + table + b"\x10" + table)
            + segment(0xda, bytes([4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0])) + bytes((2 * blocks + 7) // 8) + b"\xff\xd9")


def merged(*options):
    """Options of which a later value takes the place of an earlier one."""
    all = {}
    for o in options:
        if isinstance(o, str) and o.startswith("--"):
            name, all[o] = o, []
        else:
            all[name] = [o]
    return [str(o) for name, value in all.items() for o in (name, *value)]


def options(tmp, name, *more):
    return merged(*SMALL, "--train-images-path", tmp / "images", "--checkpoint-path", tmp / name, *more)


def pretrain(tmp, name, *more, **how):
    return run("pretrain", *options(tmp, name, *more), cwd=tmp, **how)


def started(tmp, *arguments, **how):
    return subprocess.Popen([programs / "pretrain", *options(tmp, *arguments)], cwd=tmp, **how)


def steps(tmp, name):
    """Steps of which there are checkpoints, lowest first."""
    return sorted(int(p.name.split("step-")[1].split(".")[0]) for p in tmp.glob(f"{name}.step-*.safetensors"))


def last(tmp, name):
    """The bytes of the last checkpoint: weights, averages, optimizer, position, settings."""
    return (tmp / f"{name}.step-{steps(tmp, name)[-1]}.safetensors").read_bytes()


def check_failure(r, *texts):
    """Exit 1, and a last line on standard error that is the only one which starts with `error:` and holds the texts."""
    lines = r.stderr.splitlines()
    check(r.returncode == 1, r.args, "exit", r.returncode, r.stderr[-2000:])
    are_errors = [line.startswith("error: ") for line in lines]
    check(are_errors == [False] * (len(lines) - 1) + [True], r.args, r.stderr[-2000:])
    for text in texts:
        check(str(text) in lines[-1], r.args, "says", lines[-1], "expected in it:", text)


def weights(path):
    """The tensors of a safetensors file, without its metadata."""
    content = path.read_bytes()
    length, = struct.unpack_from("<Q", content)
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__")
    return header, content[8 + length:]


def tuning(tmp, name, *more):
    """The options of fine_tune, small."""
    small = [o for i, o in enumerate(SMALL) if not {o, SMALL[i - 1]} & set(NETWORK)]
    paths = ("--train-images-path", tmp / "images", "--base-model-path", tmp / "base", "--checkpoint-path", tmp / name)
    how = ("--schedule", "constant", "--optimizer", "adafactor", "--critic-warmup-epochs", 1, "--ema-decay", 0,
           "--keep-checkpoints", 2)
    return merged(*small, *paths, *how, *more)


def fields(message):
    """Number and value of every field of a protocol buffer."""
    at = 0

    def variable():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
            if byte < 128:
                return value
    while at < len(message):
        number, kind = divmod(variable(), 8)
        size = {0: 0, 1: 8, 5: 4}.get(kind)
        if kind == 0:
            yield number, variable()
            continue
        size = variable() if kind == 2 else size
        yield number, message[at:at + size]
        at += size


def events(folder, kind):
    """What event files hold in field `kind` of a value (2: numbers, 4: pictures, 8: texts): by tag, that of each step."""
    found = {}
    for path in sorted(folder.iterdir()):
        content, at = path.read_bytes(), 0
        while at < len(content):
            length, = struct.unpack_from("<Q", content, at)
            event = dict(fields(content[at + 12:at + 12 + length]))
            at += length + 16
            value = dict(fields(dict(fields(event[5]))[1])) if 5 in event else {}
            if kind in value:
                found.setdefault(value[1].decode(), {})[event.get(2, 0)] = value[kind]
    return found


def scalars(folder):
    """What TensorBoard would draw: by tag, the value of each step."""
    return {tag: {step: struct.unpack("<f", value)[0] for step, value in of.items()}
            for tag, of in events(folder, 2).items()}


def together(tmp, program, arguments, count=2, more=((), ())):
    """Starts processes that train together; more: what takes the place of arguments in each."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    where = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [subprocess.Popen([programs / program, *merged(*arguments, *more[rank])], cwd=tmp,
                             env={**os.environ, **where, "RANK": str(rank)}, stderr=subprocess.PIPE, text=True)
            for rank in range(count)]


def ended(processes):
    """What each has said, and its exit code."""
    try:
        said = [p.communicate(timeout=120)[1] for p in processes]
    finally:
        for p in processes:
            p.kill()
    return said, [p.returncode for p in processes]


def check_together(processes):
    """All have ended well; the first one alone has spoken."""
    said, codes = ended(processes)
    check(codes == [0] * len(codes) and not any(said[1:]), codes, said)
    return said[0]


def floats(path):
    """The numbers of a weight file by name."""
    header, content = weights(path)
    at = {name: tensor["data_offsets"] for name, tensor in header.items()}
    return {name: array.array("f", content[begin:end]) for name, (begin, end) in at.items()}
