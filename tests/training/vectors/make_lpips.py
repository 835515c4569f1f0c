#!/usr/bin/env python3
"""Writes lpips.hpp: LPIPS 0.1 with its SqueezeNet backbone, and its gradient, of generated pictures, in float64.

Usage: FOVEA_DATA=... python3 make_lpips.py > lpips.hpp   (needs NumPy, torch, and the published weights)
"""
import os
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "metrics"))
from pictures import pair


def squeeze(x, w):
    """The features of the seven layers."""
    conv = lambda x, name, **more: F.relu(F.conv2d(x, w[name + ".weight"], w[name + ".bias"], **more))
    taken = [conv(x, "0", stride=2)]
    x = taken[0]
    for i in range(2, 13):
        if i in (2, 5, 8):
            x = F.max_pool2d(x, 3, 2, ceil_mode=True)
        else:
            s = conv(x, f"{i}.squeeze")
            x = torch.cat([conv(s, f"{i}.expand1x1"), conv(s, f"{i}.expand3x3", padding=1)], 1)
        if i in (4, 7, 9, 10, 11, 12):
            taken.append(x)
    return taken


def lpips(y, t, features, backbone, linear):
    """Of y and t (N,3,H,W) in [0,1]."""
    number = lambda *v: torch.tensor(v, dtype=y.dtype)[None, :, None, None]
    scaled = lambda x: (2 * x - 1 - number(-0.030, -0.088, -0.188)) / number(0.458, 0.448, 0.450)
    unit = lambda f: f / (f.square().sum(1, keepdim=True).sqrt() + 1e-10)
    layers = zip(features(scaled(y), backbone), features(scaled(t), backbone))
    weigh = lambda i, d: (linear[f"lin{i}.model.1.weight"] * d**2).sum(1).mean()
    return sum(weigh(i, unit(f) - unit(g)) for i, (f, g) in enumerate(layers))


def load(*parts):
    path = pathlib.Path(os.environ["FOVEA_DATA"], "weights", *parts)
    return {name: w.double() for name, w in torch.load(path, map_location="cpu", weights_only=True).items()}


def main():
    backbone, linear = load("lpips_squeeze_backbone", "squeeze.backbone.pth"), load("lpips_v0.1", "squeeze.pth")
    print(f"""// Made by make_lpips.py with torch {torch.__version__}.
#pragma once

struct lpips_vector {{
    int height, width;
    double value, gradient_norm;
    double gradient[8]; // of the numbers 0, 1/8, 2/8, ... into (H,W,3)
}};

inline constexpr lpips_vector lpips_vectors[] = {{""")
    for h, w in [(17, 17), (18, 31), (40, 53), (64, 64)]:
        t, y = (torch.from_numpy(p.astype(np.float64) / 255).permute(2, 0, 1)[None] for p in pair(h, w))
        y.requires_grad_()
        value = lpips(y, t, squeeze, backbone, linear)
        value.backward()
        g = y.grad[0].permute(1, 2, 0).reshape(-1)
        at = ", ".join(f"{g[g.numel() * i // 8]:.12e}" for i in range(8))
        print(f"    {{{h}, {w}, {value:.12f}, {g.norm():.12e}, {{{at}}}}},")
    print("};")


if __name__ == "__main__":
    main()
