#!/usr/bin/env python3
"""Weights as a header: embed_weights.py IN.safetensors OUT.hpp NAME 'LINE OF COMMENT'...

IN is what pretrain writes (float32, weight normalisation not folded). OUT defines fovea::zoo::NAME, the bytes of a
safetensors file with the folded weights in 16 bits, as 64-bit words in the order of a little-endian machine."""
import json
import math
import pathlib
import struct
import sys


def read(path):
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata, tensors = header.pop("__metadata__", {}), {}
    for name, t in header.items():
        if "/" in name:  # of an optimizer
            continue
        if t["dtype"] != "F32":
            sys.exit(f"error: {path}: tensor {name} is {t['dtype']}: expected F32")
        begin, end = t["data_offsets"]
        tensors[name] = (t["shape"], struct.unpack(f"<{(end - begin) // 4}f", data[8 + length + begin : 8 + length + end]))
    return metadata, tensors


def folded(tensors):
    out = {}
    for name, (shape, values) in tensors.items():
        if name.endswith(".weight_g"):
            continue
        if name.endswith(".weight_v"):
            layer, each = name[: -len("_v")], len(values) // shape[0]
            gains, plain = tensors[layer + "_g"][1], []
            for o, gain in enumerate(gains):
                row = values[o * each : (o + 1) * each]
                norm = math.sqrt(math.fsum(v * v for v in row))
                plain += [v * gain / norm for v in row]
            out[layer] = (shape, plain)
        else:
            out[name] = (shape, values)
    return out


def file_bytes(metadata, tensors):
    kept = {k: metadata[k] for k in ("format_version", "architecture", "base_upscaler", "range") if k in metadata}
    header, data = {"__metadata__": kept}, b""
    for name, (shape, values) in tensors.items():
        packed = struct.pack(f"<{len(values)}e", *values)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [len(data), len(data) + len(packed)]}
        data += packed
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    source, target, name, *comments = sys.argv[1:]
    metadata, tensors = read(pathlib.Path(source))
    data = file_bytes(metadata, folded(tensors))
    size = len(data)
    data += b"\0" * (-size % 8)
    words = [f"0x{w:x}" for w in struct.unpack(f"<{len(data) // 8}Q", data)]
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) > 118:
            lines.append(line)
            line = ""
        line += word + ","
    lines.append(line)
    about = "\n".join(f"// {c}" for c in [metadata["architecture"], *comments])
    pathlib.Path(target).write_text(
        f"{about}\n// Written by cmake/embed_weights.py.\n#pragma once\n#include <cstddef>\n#include <cstdint>\n\n"
        f"namespace fovea::zoo {{\n\ninline constexpr std::size_t {name}_bytes = {size};\n"
        f"// clang-format off\ninline constexpr std::uint64_t {name}[] = {{\n" + "\n".join(lines)
        + "\n};\n// clang-format on\n\n} // namespace fovea::zoo\n"
    )
    print(f"{target}: {size} bytes of weights")


main()
