#!/usr/bin/env python3
"""Writes ssim_vectors.hpp: structural similarity of generated pictures by scikit-image, in both definitions.

Usage: python3 make_ssim_vectors.py > ssim_vectors.hpp   (needs NumPy and scikit-image)
"""
import numpy as np
import skimage
from pictures import luma, pair
from skimage.metrics import structural_similarity

print(f"""// Made by make_ssim_vectors.py with scikit-image {skimage.__version__}.
#pragma once

struct ssim_vector {{
    int height, width;
    double gaussian_y, gaussian_rgb, uniform_y, uniform_rgb;
}};

inline constexpr ssim_vector ssim_vectors[] = {{""")
for h, w in [(11, 11), (11, 30), (40, 13), (57, 64)]:
    a, b = pair(h, w)
    gaussian = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)
    fa, fb = a.astype(np.float64), b.astype(np.float64)
    values = [structural_similarity(luma(a), luma(b), **gaussian),
              structural_similarity(fa, fb, channel_axis=2, **gaussian),
              structural_similarity(luma(a), luma(b), data_range=255),
              structural_similarity(fa / 255, fb / 255, channel_axis=2, data_range=1)]
    print(f"    {{{h}, {w}, " + ", ".join(f"{v:.15f}" for v in values) + "},")
print("};")
