#!/usr/bin/env python3
"""Writes augment_vectors.hpp: what torchvision's transforms (version 2, on floats) make of a generated picture.

Usage: python3 make_augment_vectors.py | clang-format > augment_vectors.hpp   (needs torch and torchvision)

The random numbers that the transforms ask torch for are replaced by those of the library's own generator, so that
whole transforms are compared, with what they draw and the order in which they draw it.
"""
import textwrap

import numpy as np
import torch
import torchvision
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

WIDTH, HEIGHT = 7, 6


class Philox:
    """Words of Philox4x32-10 with a seed as key, at stream 0, position 0 and on."""

    def __init__(self, seed):
        self.seed, self.position = seed, 0

    def word(self):
        counter, key = [self.position // 4, 0, 0, 0], [self.seed & 0xFFFFFFFF, self.seed >> 32]
        for _ in range(10):
            a, b = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
            counter = [b >> 32 ^ counter[1] ^ key[0], b & 0xFFFFFFFF, a >> 32 ^ counter[3] ^ key[1], a & 0xFFFFFFFF]
            key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
        self.position += 1
        return counter[(self.position - 1) % 4]

    def uniform(self, low, high):
        low, high, part = np.float32(low), np.float32(high), np.float32(self.word() >> 8) * np.float32(2**-24)
        return low + (high - low) * part

    def below(self, n):
        return self.word() * n >> 32


def draw_from(philox):
    def uniform_(self, low, high):
        return self.fill_(float(philox.uniform(low, high)))

    def randperm(n):
        order = list(range(n))
        for i in range(n, 1, -1):
            j = philox.below(i)
            order[i - 1], order[j] = order[j], order[i - 1]
        return torch.tensor(order)

    torch.Tensor.uniform_ = uniform_
    torch.randint = lambda low, high, size: torch.tensor([low + philox.below(high - low)])
    torch.randperm = randperm


def picture(height, width):
    """(3,H,W) in 0..1: the generator of make_pillow_vectors.py, and in the first row black, white, gray, primaries."""
    x, values = 1, []
    for _ in range(height * width * 3):
        x = (1664525 * x + 1013904223) & 0xFFFFFFFF
        values.append((x >> 16) / 65536)
    pixels = np.array(values).reshape(height, width, 3)
    pixels[0, :7] = [(0, 0, 0), (1, 1, 1), (0.5, 0.5, 0.5), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 0.25)]
    return torch.tensor(pixels.transpose(2, 0, 1), dtype=torch.float32)


pixels = []


def kept(chw):
    """Where the picture, as (H,W,C), begins in `pixels`."""
    pixels.extend(chw.permute(1, 2, 0).flatten().tolist())
    return len(pixels) - chw.numel()


def literal(values):
    return ", ".join(f"{np.float32(v)}f" for v in values)


versions = [module.__version__.split("+")[0] for module in (torchvision, torch)]
print(f"""// Made by make_augment_vectors.py with torchvision {versions[0]} and torch {versions[1]}.
#pragma once
#include <cstddef>
#include <cstdint>

// `pixels`, wherever it stands, is where a picture (H,W,3) begins in augmented_pixels.
struct adjusted_vector {{
    std::size_t kind; // 0 brightness, 1 contrast, 2 saturation, 3 hue
    float factor;
    std::size_t pixels; // ({HEIGHT},{WIDTH},3)
}};

inline constexpr adjusted_vector adjusted_vectors[] = {{""")
base = picture(HEIGHT, WIDTH)
kinds = [F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue]
for kind, factors in enumerate([(0.5, 1.25), (0.875, 1.5), (0, 1.75), (-0.5, -0.09375, 0.375)]):
    for factor in factors:
        print(f"    {{{kind}, {literal([factor])}, {kept(kinds[kind](base, factor))}}},")

print(f"""}};

// ColorJitter of these four, as drawn from the seed.
struct jittered_vector {{
    std::uint64_t seed;
    float brightness, contrast, saturation, hue;
    std::size_t pixels; // ({HEIGHT},{WIDTH},3)
}};

inline constexpr jittered_vector jittered_vectors[] = {{""")
for seed, options in [(1, (0.1, 0.1, 0.1, 0.1)), (2, (0.1, 0.1, 0.1, 0.1)), (3, (1.5, 0.5, 0.25, 0.5)),
                      (4, (0.0, 0.5, 0.0, 0.25))]:
    draw_from(Philox(seed))
    print(f"    {{{seed}, {literal(options)}, {kept(v2.ColorJitter(*options)(base))}}},")

print("""};

// RandomResizedCrop's rectangle, as drawn from the seed.
struct box_vector {
    std::uint64_t seed;
    float least_area, most_area, least_aspect, most_aspect;
    int picture_height, picture_width, y, x, height, width;
};

inline constexpr box_vector box_vectors[] = {""")
for height, width in [(321, 481), (256, 256), (7, 6), (40, 1000), (1000, 40), (1, 1), (3, 900), (512, 511)]:
    for seed, scale, ratio in [(1, (0.08, 1.0), (3 / 4, 4 / 3)), (2, (0.08, 1.0), (3 / 4, 4 / 3)),
                               (3, (0.08, 1.0), (3 / 4, 4 / 3)), (4, (0.9, 1.0), (0.5, 0.5))]:
        draw_from(Philox(seed))
        p = v2.RandomResizedCrop(8, scale=scale, ratio=ratio).make_params([torch.empty(3, height, width)])
        box = f"{p['top']}, {p['left']}, {p['height']}, {p['width']}"
        print(f"    {{{seed}, {literal(scale + ratio)}, {height}, {width}, {box}}},")

print("""};

// A part of a picture of 20x24 pixels, resized with antialiasing.
struct resized_vector {
    int y, x, height, width, size;
    std::size_t pixels; // (size,size,3)
};

inline constexpr resized_vector resized_vectors[] = {""")
large = picture(20, 24).double()
for y, x, height, width, size in [(2, 3, 15, 18, 6), (1, 0, 5, 7, 9), (0, 0, 20, 24, 4)]:
    out = F.resized_crop(large, y, x, height, width, [size, size], v2.InterpolationMode.BICUBIC, antialias=True)
    print(f"    {{{y}, {x}, {height}, {width}, {size}, {kept(out)}}},")

print(f"""}};

// clang-format off
inline constexpr float augmented_pixels[] = {{
{textwrap.fill(literal(pixels), 118, initial_indent="    ", subsequent_indent="    ")}}};
// clang-format on""")
