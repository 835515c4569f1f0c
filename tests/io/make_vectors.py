#!/usr/bin/env python3
"""Makes what the tests of include/fovea/io/weights compare with: small files in vectors/, and vectors.hpp with the values
that PyTorch reads from them and from the files under FOVEA_DATA.

    FOVEA_DATA=... python3 make_vectors.py      (needs torch; made with torch 2.15)
"""
import io
import os
import pathlib
import pickle
import struct
import zipfile
import zlib
from collections import OrderedDict

import torch

here = pathlib.Path(__file__).parent
folder = here / "vectors"
folder.mkdir(exist_ok=True)
data = pathlib.Path(os.environ["FOVEA_DATA"])


def small_checkpoint():
    """Every element type, views of every kind, nesting, values, the names that compiled and weight-normed models give."""
    torch.manual_seed(1)
    base = torch.randn(4, 6)
    shared = torch.randn(40).half()
    model = OrderedDict()
    model["_orig_mod.input.parametrizations.weight.original0"] = torch.randn(3, 1, 1, 1)
    model["_orig_mod.input.parametrizations.weight.original1"] = torch.randn(3, 2, 1, 1)
    model["_orig_mod.input.bias"] = torch.nn.Parameter(torch.randn(3))
    model["_orig_mod.transposed"] = base.t()
    model["_orig_mod.part"] = base[1:3, ::2]
    model["_orig_mod.spread"] = torch.tensor([1.5, -2.5]).reshape(2, 1).expand(2, 3)
    model["_orig_mod.half_a"] = shared[3:9].reshape(2, 3)
    model["_orig_mod.half_b"] = shared[20:24]
    model["_orig_mod.bfloat16"] = torch.randn(5).bfloat16()
    model["_orig_mod.double"] = torch.randn(2, 2).double()
    model["_orig_mod.scalar"] = torch.tensor(7.25)
    model["_orig_mod.empty"] = torch.zeros(0, 3)
    for name in ["int64", "int32", "int16", "int8", "uint8"]:
        model["_orig_mod." + name] = torch.tensor([0, 1, 100], dtype=getattr(torch, name))
    model["_orig_mod.bool"] = torch.tensor([True, False, True])
    return {
        "epoch": 12,
        "model_args": {"num_channels": 64, "base_upscaler": "bicubic", "rate": 0.5, "exact": True, "nothing": None},
        "model": model,
        "optimizer": {"state": {0: {"step": torch.tensor(3.0), "exp_avg": torch.randn(3)}},
                      "param_groups": [{"lr": 1e-4, "betas": (0.9, 0.999), "params": [0]}]},
        "critic": {"module.linear.weight": torch.randn(1, 4)},
    }


def recompressed(content):
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            info = zipfile.ZipInfo(entry.filename, (2020, 1, 1, 0, 0, 0))
            new.writestr(info, old.read(entry), zipfile.ZIP_DEFLATED)
    return result.getvalue()


def zip64(content):
    """Every size and offset in the fields of ZIP64, as archives beyond 4 GiB have them."""
    result, directory = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        entries = [(e.filename.encode(), old.read(e)) for e in old.infolist()]
    for name, body in entries:
        offset, crc = result.tell(), zlib.crc32(body)
        extra = struct.pack("<HHQQ", 1, 16, len(body), len(body))
        result.write(struct.pack("<IHHHHHIIIHH", 0x04034B50, 45, 0, 0, 0, 33, crc, 2**32 - 1, 2**32 - 1, len(name), len(extra)))
        result.write(name + extra + body)
        extra = struct.pack("<HHQQQ", 1, 24, len(body), len(body), offset)
        directory.write(struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 45, 45, 0, 0, 0, 33, crc, 2**32 - 1, 2**32 - 1,
                                    len(name), len(extra), 0, 0, 0, 0, 2**32 - 1) + name + extra)
    begin, size = result.tell(), directory.tell()
    result.write(directory.getvalue())
    end = result.tell()
    result.write(struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, 45, 45, 0, 0, len(entries), len(entries), size, begin))
    result.write(struct.pack("<IIQI", 0x07064B50, 0, end, 1))
    result.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0))
    return result.getvalue()


def archive(pickled, storages=(), compression=zipfile.ZIP_STORED):
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", compression) as z:
        for name, body in [("data.pkl", pickled), *(("data/" + key, body) for key, body in storages)]:
            z.writestr(zipfile.ZipInfo("archive/" + name, (2020, 1, 1, 0, 0, 0)), body, compression)
    return result.getvalue()


def view(shape, strides, offset=0, count=16):
    """A pickle of {"t": a view of storage 0}."""
    def number(n):
        return b"\x8a\x08" + struct.pack("<q", n)
    def numbers(ns):
        return b"(" + b"".join(number(n) for n in ns) + b"t"
    return (b"\x80\x02}X\x01\x00\x00\x00tctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
            b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + number(count) + b"tQ" + number(offset) + numbers(shape) +
            numbers(strides) + b"\x89NtRs.")


def doubled(levels):
    """Lists of twice the same list: 2^levels numbers in a few bytes."""
    value = [1]
    for _ in range(levels):
        value = [value, value]
    return pickle.dumps(value, protocol=2)


def hostile():
    floats = ("0", bytes(64))
    cycle = []
    cycle.append(cycle)
    pairs = b"]" + b"q\x00(" + b"K\x01K\x01\x86q\x01" + b"h\x01" * 9000 + b"e"
    yield "forbidden", archive(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.")
    yield "forbidden_4", archive(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.")
    yield "doubled_deep", archive(doubled(60))
    yield "doubled_wide", archive(doubled(30))
    yield "cycle", archive(pickle.dumps(cycle, protocol=2))
    yield "copied_pairs", archive(b"\x80\x02ccollections\nOrderedDict\nq\x02" + pairs + b"\x85q\x030" +
                                  b"h\x02h\x03R0" * 400 + b"}.")
    yield "huge_repeat", archive(view([1 << 20, 1 << 20], [0, 0]), [floats])
    yield "huge_shape", archive(view([1 << 40, 1 << 40], [1, 1]), [floats])
    yield "beyond_end", archive(view([4, 4], [4, 1], offset=1), [floats])
    yield "wrapping_strides", archive(view([3], [(1 << 63) - 1]), [floats])
    yield "negative_offset", archive(view([1], [1], offset=-1), [floats])
    yield "no_storage", archive(view([1], [1]))
    yield "bomb", archive(view([4, 4], [4, 1]), [("0", bytes(100 << 20))], zipfile.ZIP_DEFLATED)


def rows(path, state):
    """Some elements of each tensor."""
    for name, tensor in state.items():
        flat = tensor.detach().reshape(-1).to(torch.float32)
        for index in sorted({0, flat.numel() // 2, flat.numel() - 1}):
            if flat.numel():
                yield path, name, index, flat[index].item()


def nested(value, path=""):
    if isinstance(value, torch.Tensor):
        yield path, value
    elif isinstance(value, (dict, list, tuple)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from nested(item, f"{path}/{key}" if path else str(key))


def main():
    checkpoint = small_checkpoint()
    content, old = io.BytesIO(), io.BytesIO()
    torch.save(checkpoint, content)
    torch.save(checkpoint, old, _use_new_zipfile_serialization=False)
    files = {"small": content.getvalue(), "old": old.getvalue(), "deflated": recompressed(content.getvalue()),
             "zip64": zip64(content.getvalue()), **dict(hostile())}
    for name, body in files.items():
        (folder / (name + ".pt")).write_bytes(body)

    lines = [
        "// Made by make_vectors.py: elements that PyTorch reads. Index: in the order of the axes, the last fastest.",
        "#pragma once", "#include <cstddef>", "", "namespace fovea_test {", "",
        "struct expected_element {", "    const char *file, *tensor;", "    std::size_t index;", "    float value;", "};", ""]
    def table(name, elements):
        lines.append(f"inline constexpr expected_element {name}[] = {{")
        for path, tensor, index, value in elements:
            lines.append(f'    {{"{path}", "{tensor}", {index}, {float(value).hex()}f}},')
        lines.append("};\n")
    table("small_elements", rows("small.pt", dict(nested(checkpoint))))
    published = []
    for path in sorted((data / "weights").rglob("*.pt*")):
        tensors = list(nested(torch.load(path, map_location="cpu", weights_only=True)))
        some = dict(tensors[:: max(1, len(tensors) // 3)])
        published += rows(str(path.relative_to(data)), some)
    table("published_elements", published)
    lines.append("} // namespace fovea_test")
    (here / "vectors.hpp").write_text("\n".join(lines) + "\n")


main()
