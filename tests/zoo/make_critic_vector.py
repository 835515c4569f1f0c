"""Computes the logits in critic.cpp with PyTorch: weights and images by formulas that both sides know."""
import math
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, i, h, o, stride):
        super().__init__()
        self.residual = nn.Sequential(nn.Conv2d(i, h, 1, bias=False), nn.BatchNorm2d(h), nn.SiLU(),
                                      nn.Conv2d(h, h, 3, stride, 1), nn.SiLU(), nn.Conv2d(h, o, 1))
        self.skip = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False)) if i != o or stride != 1 else nn.Identity()

    def forward(self, x):
        return nn.functional.silu(self.residual(x) + self.skip(x))


class Critic(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.input = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.SiLU(), nn.MaxPool2d(3, 2, 1))
        stages, width = [], 64
        for s, n in enumerate(blocks):
            for b in range(n):
                stages.append(Block(width, 64 << s, 256 << s, 2 if s and not b else 1))
                width = 256 << s
        self.detector = nn.Sequential(*stages)
        self.linear = nn.Linear(2048, 1)

    def forward(self, x):
        return self.linear(self.detector(self.input(x)).mean((2, 3)))


def wave(n, name):
    phase = sum(name.encode()) * 0.37
    return torch.sin(torch.arange(n, dtype=torch.float64) * 0.7311 + phase)


def main():
    torch.set_grad_enabled(False)
    for blocks in ((3, 4, 6, 3), (3, 4, 23, 3), (3, 8, 36, 3)):
        net = Critic(blocks).eval()
        for name, p in list(net.named_parameters()) + list(net.named_buffers()):
            if name.endswith("num_batches_tracked"):
                continue
            n = p.numel()
            v = wave(n, name)
            one_each = p.dim() == 1 and not name.endswith("bias") and not name.endswith("mean")
            v = 1 + 0.3 * v if one_each else v * (math.sqrt(1.2 / (n // p.shape[0])) if p.dim() > 1 else 0.1)
            p.copy_(v.reshape(p.shape).float())
        for h, w in ((64, 64), (37, 53)):
            x = torch.tensor([[[0.5 + 0.5 * math.sin(0.11 * y + 0.23 * u + c) for u in range(w)] for y in range(h)]
                              for c in range(3)], dtype=torch.float64).float()[None]
            print(blocks, h, w, "%.7g" % net(x).item())


if __name__ == "__main__":
    main()
