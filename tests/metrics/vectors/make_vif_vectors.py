#!/usr/bin/env python3
"""Writes vif_vectors.hpp: visual information fidelity of generated pictures as torchmetrics has it, in float64.

Usage: python3 make_vif_vectors.py > vif_vectors.hpp   (needs NumPy, torch and torchmetrics)
"""
import pathlib
import sys

import numpy as np
import torch
import torchmetrics
from torchmetrics.functional.image import visual_information_fidelity

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from pictures import luma, pair


def vif(made, original):
    planes = lambda p: torch.from_numpy(np.atleast_3d(p).astype(np.float64)).permute(2, 0, 1)[None]
    return visual_information_fidelity(planes(made), planes(original)).item()


def flat_part(p):
    """The upper left quarter is one colour."""
    p = p.copy()
    p[: p.shape[0] // 2, : p.shape[1] // 2] = (80, 90, 100)
    return p


print(f"""// Made by make_vif_vectors.py with torchmetrics {torchmetrics.__version__}.
#pragma once

struct vif_vector {{
    int height, width;
    double y, rgb, swapped_rgb, flat_original, flat_made; // the flat ones in RGB
}};

inline constexpr vif_vector vif_vectors[] = {{""")
for h, w in [(41, 41), (41, 60), (77, 42), (64, 83)]:
    a, b = pair(h, w)
    values = [vif(luma(b), luma(a)), vif(b, a), vif(a, b), vif(b, flat_part(a)), vif(flat_part(b), a)]
    print(f"    {{{h}, {w}, " + ", ".join(f"{v:.15f}" for v in values) + "},")
print("};")
