#!/usr/bin/env python3
"""Writes pillow_vectors.hpp: checksums of what Pillow's Image.resize(..., BICUBIC) makes of generated pictures.

Usage: python3 make_pillow_vectors.py > pillow_vectors.hpp   (needs Pillow 13: older versions overflow in 16 bits and NumPy)
"""
import numpy as np
import PIL
from PIL import Image

MODES = {(1, "u8"): "L", (2, "u8"): "LA", (3, "u8"): "RGB", (4, "u8"): "RGBA", (1, "u16"): "I;16", (1, "f32"): "F"}
SIZES = [((7, 5), (3, 2)), ((5, 7), (13, 11)), ((16, 16), (8, 8)), ((33, 20), (66, 40)), ((40, 31), (13, 31)),
         ((31, 40), (31, 17)), ((30, 64), (12, 5)), ((1, 1), (4, 6)), ((50, 50), (1, 1))]


def noise(count):
    """Samples 0..65535: the high bits of the generator x <- 1664525 x + 1013904223 mod 2^32, from 1 on."""
    x, out = 1, np.empty(count, np.uint16)
    for i in range(count):
        x = (1664525 * x + 1013904223) & 0xFFFFFFFF
        out[i] = x >> 16
    return out


def fnv1a(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return h


print(f"""// Made by make_pillow_vectors.py with Pillow {PIL.__version__}. FNV-1a of the samples, little-endian, row by row.
#pragma once
#include <cstdint>

#include "fovea/image/image.hpp"

struct pillow_vector {{
    int channels;
    fovea::sample_type type;
    int height, width, new_height, new_width;
    std::uint64_t checksum;
}};

inline constexpr pillow_vector pillow_vectors[] = {{""")
for (channels, kind), mode in MODES.items():
    for (h, w), (nh, nw) in SIZES:
        values = noise(h * w * channels)
        if kind == "u8":
            samples = (values >> 8).astype(np.uint8)
        elif kind == "u16":
            samples = values
        else:
            samples = values.astype(np.float32) / np.float32(65536)
        samples = samples.reshape((h, w, channels) if channels > 1 else (h, w))
        if mode == "I;16":
            picture = Image.frombytes(mode, (w, h), samples.astype("<u2").tobytes())
        else:
            picture = Image.fromarray(samples)
        assert picture.mode == mode
        out = picture.resize((nw, nh), Image.BICUBIC)
        print(f"    {{{channels}, fovea::sample_type::{kind}, {h}, {w}, {nh}, {nw}, 0x{fnv1a(out.tobytes()):016x}}},")
print("};")
