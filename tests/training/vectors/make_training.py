"""Training as PyTorch does it: losses, gradients and twenty steps of each optimizer for a small network, for
tests/training/parity.cpp. Run in an environment with numpy and torch (2.5 or later): python3 make_training.py"""
import json
import pathlib
import struct

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils.parametrizations import weight_norm

torch.manual_seed(1)
torch.set_num_threads(1)


class Network(torch.nn.Module):
    """conv1 (weight norm), SiLU, conv2, LayerNorm over channels, conv3, pixel shuffle, plus the enlarged input."""

    def __init__(self):
        super().__init__()
        self.conv1 = weight_norm(torch.nn.Conv2d(3, 8, 3, padding=1))
        self.conv2 = torch.nn.Conv2d(8, 6, 1)
        self.norm = torch.nn.LayerNorm(6)
        self.conv3 = torch.nn.Conv2d(6, 12, 3, padding=1)

    def forward(self, x):
        y = self.conv2(F.silu(self.conv1(x)))
        y = self.norm(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return F.pixel_shuffle(self.conv3(y), 2) + F.interpolate(x, scale_factor=2, mode="bicubic")


NAMES = {"conv1.parametrizations.weight.original0": "conv1.weight_g", "conv1.parametrizations.weight.original1": "conv1.weight_v"}


def named(network):
    return {NAMES.get(name, name): p for name, p in network.named_parameters()}


def nhwc(x):
    return x.detach().permute(0, 2, 3, 1).contiguous()


def total_variation(y):
    return ((y[:, :, 1:] - y[:, :, :-1]) ** 2).mean() + ((y[..., 1:] - y[..., :-1]) ** 2).mean()


LOSSES = {
    "l1": lambda y, t: F.l1_loss(y, t),
    "l2": lambda y, t: F.mse_loss(y, t),
    "charbonnier": lambda y, t: torch.sqrt((y - t) ** 2 + 1e-6).mean(),
    "total_variation": lambda y, t: total_variation(y),
    "bce_real": lambda y, t: F.binary_cross_entropy_with_logits(y, torch.ones_like(y)),
    "bce_fake": lambda y, t: F.binary_cross_entropy_with_logits(y, torch.zeros_like(y)),
}
# Losses are scaled: Adafactor divides by squares of gradients that are smaller than 3e-4 in their rows, which makes
# twenty steps differ by 1 % between float32 and float64.
SCALE = 1000
OPTIMIZERS = {
    "adafactor": (lambda p: torch.optim.Adafactor(p, lr=1e-2, beta2_decay=-0.8), 1000.0),
    "adafactor_decay": (lambda p: torch.optim.Adafactor(p, lr=0.02, beta2_decay=-0.5, weight_decay=0.01), 0.0),
    "adam": (lambda p: torch.optim.Adam(p, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.02), 0.0),
    "adamw": (lambda p: torch.optim.AdamW(p, lr=8e-4, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.005), 500.0),
    "sgd": (lambda p: torch.optim.SGD(p, lr=1e-5, momentum=0.9, weight_decay=1), 100.0),
    "nesterov": (lambda p: torch.optim.SGD(p, lr=1e-5, momentum=0.8, nesterov=True), 0.0),
}


def write(path, tensors):
    header, data = {}, b""
    for name, value in tensors.items():
        value = np.ascontiguousarray(value.detach().numpy().astype("<f4"))
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    network = Network()
    start = {name: p.detach().clone() for name, p in named(network).items()}
    x, t = torch.rand(2, 3, 6, 5), torch.rand(2, 3, 12, 10)
    out = {"x": nhwc(x), "t": nhwc(t)} | {f"start/{name}": p for name, p in start.items()}
    for name, loss in LOSSES.items():
        y = (torch.rand(2, 3, 12, 10) * 2 - 0.5).requires_grad_()
        value = loss(y, t)
        value.backward()
        out |= {f"loss/{name}/y": nhwc(y), f"loss/{name}/value": value.reshape(1), f"loss/{name}/dy": nhwc(y.grad)}
    value = F.l1_loss(network(x), t)
    value.backward()
    out |= {"network/y": nhwc(network(x)), "network/loss": value.reshape(1)}
    out |= {f"gradient/{name}": p.grad for name, p in named(network).items()}
    for name, (make, clip) in OPTIMIZERS.items():
        with torch.no_grad():
            for key, p in named(network).items():
                p.copy_(start[key])
        optimizer, losses = make(network.parameters()), []
        for step in range(20):
            optimizer.zero_grad()
            value = F.mse_loss(network(x), t) * SCALE
            losses.append(value.detach())
            value.backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(network.parameters(), clip)
            optimizer.step()
        out |= {f"{name}/losses": torch.stack(losses)} | {f"{name}/{key}": p.detach().clone() for key, p in named(network).items()}
    write(pathlib.Path(__file__).parent / "training.safetensors", out)


main()
