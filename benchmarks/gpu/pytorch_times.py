"""The same as gpu_times.cu by PyTorch: pytorch_times.py images|steps NETWORK RUNS [bf16] [channels_last] [compiled].
Compiled: with CUDA graphs."""
import pathlib
import sys
import time

import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "training"))
from pytorch_steps import SuperCool, VapSR

NETWORKS = {("images", "supercool"): lambda: SuperCool(scale=2), ("steps", "supercool"): SuperCool,
            ("images", "vapsr-3x3"): lambda: VapSR(64, 48, 20, 3, 2),
            ("steps", "vapsr-3x3"): lambda: VapSR(64, 48, 20, 3, 2)}
SIDE = {"supercool": 64, "vapsr-3x3": 128}  # of a training sample


def image_runner(net, layout, number):
    net = net.eval().to(number)
    small = torch.zeros(1080, 1920, 3, dtype=torch.uint8).pin_memory()

    def run():
        with torch.inference_mode():
            x = small.cuda(non_blocking=True).permute(2, 0, 1)[None].to(number).div(255).to(memory_format=layout)
            y = net(x).clamp(0, 1).mul(255).round().to(torch.uint8)
            return y[0].permute(1, 2, 0).contiguous().cpu()
    return run


def step_runner(net, layout, number, side):
    x = torch.rand(32, 3, side, side, device="cuda").to(memory_format=layout)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, fused=True)
    target = None

    def run():
        nonlocal target
        optimizer.zero_grad()
        with torch.autocast("cuda", number, enabled=number != torch.float32):
            y = net(x)
        target = torch.zeros_like(y) if target is None else target
        F.mse_loss(y.float(), target.float()).backward()
        optimizer.step()
        torch.cuda.synchronize()
    return run


def main():
    what, name, runs, *options = sys.argv[1:]
    number = torch.bfloat16 if "bf16" in options else torch.float32
    layout = torch.channels_last if "channels_last" in options else torch.contiguous_format
    torch.backends.cudnn.benchmark = True
    net = NETWORKS[what, name]().cuda().to(memory_format=layout)
    if "compiled" in options:
        net = torch.compile(net, mode="max-autotune")
    run = image_runner(net, layout, number) if what == "images" else step_runner(net, layout, number, SIDE[name])
    for _ in range(5):  # compiles, tries algorithms, records graphs
        run()
    for i in range(int(runs)):
        if i:
            sys.stdin.readline()
        begin = time.perf_counter()
        run()
        print(f"{time.perf_counter() - begin:.6f}", flush=True)
    print(torch.cuda.max_memory_allocated() >> 20, flush=True)


main()
