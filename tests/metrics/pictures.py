"""The pictures that metrics are compared on; pictures.hpp makes the same."""
import numpy as np


def pair(h, w):
    """A wave and the same wave with another one added, (H,W,3), 8 bits; integer arithmetic only."""
    y, x, c = np.meshgrid(np.arange(h), np.arange(w), np.arange(3), indexing="ij")
    a = (x * x + 3 * y * x + 17 * c) // 5 % 256
    return a.astype(np.uint8), (a * 7 // 8 + (5 * x + y * y + 29 * c) % 31).astype(np.uint8)


def luma(p):
    p = p.astype(np.float64)
    return 16 + (65.481 * p[..., 0] + 128.553 * p[..., 1] + 24.966 * p[..., 2]) / 255
