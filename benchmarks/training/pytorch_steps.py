"""The same as train_steps.cpp by PyTorch: pytorch_steps.py NETWORK THREADS STEPS [channels_last] [compiled]."""
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import weight_norm


class Residual(nn.Module):
    def __init__(self, channels, ratio):
        super().__init__()
        self.conv1 = weight_norm(nn.Conv2d(channels, channels * ratio, 3, padding=1))
        self.conv2 = weight_norm(nn.Conv2d(channels * ratio, channels, 3, padding=1))

    def forward(self, x):
        return x + self.conv2(F.silu(self.conv1(x)))


class SuperCool(nn.Module):
    def __init__(self, channels=64, ratio=2, layers=16, scale=4):
        super().__init__()
        self.input = weight_norm(nn.Conv2d(3, channels, 5, padding=2))
        self.encoder = nn.Sequential(*[Residual(channels, ratio) for _ in range(layers)])
        self.decoder = weight_norm(nn.Conv2d(channels, 3 * scale * scale, 3, padding=1))
        self.scale = scale

    def forward(self, x):
        details = F.pixel_shuffle(self.decoder(self.encoder(self.input(x))), self.scale)
        return details + F.interpolate(x, scale_factor=self.scale, mode="bicubic")


class Attention(nn.Module):
    def __init__(self, features, hidden, kernel):
        super().__init__()
        self.proj_1 = nn.Conv2d(features, hidden, kernel, padding=kernel // 2)
        self.branch = nn.Sequential(nn.Conv2d(hidden, hidden, 1), nn.Conv2d(hidden, hidden, 5, padding=2, groups=hidden),
                                    nn.Conv2d(hidden, hidden, 5, padding=6, dilation=3, groups=hidden))
        self.proj_2 = nn.Conv2d(hidden, features, 1)
        self.norm = nn.LayerNorm(features)

    def forward(self, x):
        a = F.gelu(self.proj_1(x))
        y = self.proj_2(a * self.branch(a)) + x
        return self.norm(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class VapSR(nn.Module):
    def __init__(self, features, hidden, blocks, kernel, scale):
        super().__init__()
        self.first = nn.Conv2d(3, features, 3, padding=1)
        self.body = nn.Sequential(*[Attention(features, hidden, kernel) for _ in range(blocks)])
        self.last = nn.Conv2d(features, features, 3, padding=1)
        if scale == 4:
            self.up = nn.Sequential(nn.Conv2d(features, 64, 3, padding=1), nn.PixelShuffle(2), nn.LeakyReLU(0.1),
                                    nn.Conv2d(16, 12, 3, padding=1), nn.PixelShuffle(2))
        else:
            self.up = nn.Sequential(nn.Conv2d(features, 56, 3, padding=1), nn.LeakyReLU(0.1),
                                    nn.Conv2d(56, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, x):
        features = self.first(x)
        return self.up(features + self.last(self.body(features)))


class Bottleneck(nn.Module):
    def __init__(self, inputs, hidden, outputs, stride):
        super().__init__()
        self.residual = nn.Sequential(nn.Conv2d(inputs, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.SiLU(),
                                      nn.Conv2d(hidden, hidden, 3, stride=stride, padding=1), nn.SiLU(),
                                      nn.Conv2d(hidden, outputs, 1))
        same = inputs == outputs and stride == 1
        self.skip = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)

    def forward(self, x):
        return F.silu(self.residual(x) + self.skip(x))


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.SiLU(), nn.MaxPool2d(3, 2, 1)]
        inputs = 64
        for blocks, hidden, outputs, stride in ((3, 64, 256, 1), (4, 128, 512, 2), (6, 256, 1024, 2), (3, 512, 2048, 2)):
            for i in range(blocks):
                layers.append(Bottleneck(inputs, hidden, outputs, stride if i == 0 else 1))
                inputs = outputs
        self.layers, self.linear = nn.Sequential(*layers), nn.Linear(2048, 1)

    def forward(self, x):
        return self.linear(self.layers(x).mean((2, 3)))


NETWORKS = {"supercool": (SuperCool, (4, 3, 64, 64)), "vapsr-3x3": (lambda: VapSR(64, 48, 20, 3, 2), (2, 3, 128, 128)),
            "vapsr": (lambda: VapSR(48, 64, 21, 1, 4), (8, 3, 48, 48)), "critic": (Critic, (4, 3, 256, 256))}


def main():
    name, threads, steps, *options = sys.argv[1:]
    torch.set_num_threads(int(threads))
    make, shape = NETWORKS[name]
    net, x = make(), torch.rand(shape)
    if "channels_last" in options:
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4)
    run = torch.compile(net) if "compiled" in options else net
    target = None
    for step in range(int(steps)):
        if step:
            sys.stdin.readline()
        begin = time.perf_counter()
        optimizer.zero_grad()
        y = run(x)
        target = torch.zeros_like(y) if target is None else target
        F.mse_loss(y, target).backward()
        optimizer.step()
        print(f"{time.perf_counter() - begin:.6f}", flush=True)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10, flush=True)


if __name__ == "__main__":
    main()
