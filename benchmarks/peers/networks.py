"""The networks of the comparison as PyTorch modules, with random weights."""
import torch
from torch import nn
import torch.nn.functional as F


class SuperCool(nn.Module):
    """Weight normalisation is folded, as for any engine that runs it."""

    def __init__(self, channels, ratio, layers, scale):
        super().__init__()
        self.scale = scale
        self.input = nn.Conv2d(3, channels, 5, padding=2)
        self.encoder = nn.ModuleList(nn.ModuleDict({"conv1": nn.Conv2d(channels, channels * ratio, 3, padding=1),
                                                    "conv2": nn.Conv2d(channels * ratio, channels, 3, padding=1)})
                                     for _ in range(layers))
        self.decoder = nn.ModuleDict({"conv": nn.Conv2d(channels, 3 * scale * scale, 3, padding=1)})

    def forward(self, x):
        z = self.input(x)
        for block in self.encoder:
            z = z + block["conv2"](F.silu(block["conv1"](z)))
        skip = F.interpolate(x, scale_factor=self.scale, mode="bicubic", align_corners=False)
        return torch.clamp(F.pixel_shuffle(self.decoder["conv"](z), self.scale) + skip, 0, 1)


class Attention(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.pointwise = nn.Conv2d(a, a, 1)
        self.depthwise = nn.Conv2d(a, a, 5, padding=2, groups=a)
        self.depthwise_dilated = nn.Conv2d(a, a, 5, padding=6, dilation=3, groups=a)

    def forward(self, x):
        return x * self.depthwise_dilated(self.depthwise(self.pointwise(x)))


class Block(nn.Module):
    def __init__(self, f, a, k):
        super().__init__()
        self.proj_1 = nn.Conv2d(f, a, k, padding=k // 2)
        self.atten_branch = Attention(a)
        self.proj_2 = nn.Conv2d(a, f, 1)
        self.pixel_norm = nn.LayerNorm(f)

    def forward(self, x):
        y = self.proj_2(self.atten_branch(F.gelu(self.proj_1(x)))) + x
        return self.pixel_norm(y.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).contiguous()


class VapSR(nn.Module):
    def __init__(self, f, a, k, blocks, scale):
        super().__init__()
        self.conv_first = nn.Conv2d(3, f, 3, padding=1)
        self.body = nn.Sequential(*(Block(f, a, k) for _ in range(blocks)))
        self.conv_body = nn.Conv2d(f, f, 3, padding=1)
        if scale == 4:
            self.upsampler = nn.Sequential(nn.Conv2d(f, 64, 3, padding=1), nn.PixelShuffle(2), nn.LeakyReLU(0.1),
                                           nn.Conv2d(16, 12, 3, padding=1), nn.PixelShuffle(2))
        else:
            self.upsampler = nn.Sequential(nn.Conv2d(f, 56, 3, padding=1), nn.LeakyReLU(0.1),
                                           nn.Conv2d(56, 3 * scale * scale, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, x):
        z = self.conv_first(x)
        return self.upsampler(z + self.conv_body(self.body(z)))


NETWORKS = {
    "SuperCool C64 x2": lambda: SuperCool(64, 2, 16, 2),
    "SuperCool C64 x4": lambda: SuperCool(64, 2, 16, 4),
    "SuperCool C128 x4": lambda: SuperCool(128, 2, 16, 4),
    "VapSR x4": lambda: VapSR(48, 64, 1, 21, 4),
    "VapSR x2": lambda: VapSR(48, 64, 1, 20, 2),
    "VapSR-3x3 x2": lambda: VapSR(64, 48, 3, 20, 2),
}


def make(name):
    torch.manual_seed(1)
    return NETWORKS[name]().eval()
