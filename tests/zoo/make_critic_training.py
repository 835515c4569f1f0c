"""Computes critic_training.hpp with PyTorch in float64: logits of the small critic in training mode and what its gradients
come to, for weights and images by formulas that both sides know: make_critic_training.py > critic_training.hpp"""
import math
import sys

import torch
from torch import nn

from make_critic_vector import Critic

SIDE = 64


def noise(n, name):
    """Numbers in [-1,1): mixed bits of their place and the name, which any language computes alike."""
    x = torch.arange(n, dtype=torch.int64) + 0x9e3779b * sum(name.encode())
    for _ in range(2):
        x = ((x & 0xffffffff) ^ (x & 0xffffffff) >> 16) * 0x45d9f3b
    x = x & 0xffffffff
    return (x ^ x >> 16).double() / 2 ** 31 - 1


def trained(dtype):
    torch.manual_seed(0)
    net = Critic((3, 4, 6, 3)).double()
    with torch.no_grad():
        for name, p in net.named_parameters():
            if p.dim() > 1:
                v = noise(p.numel(), name) * math.sqrt(3 / (p.numel() // p.shape[0]))  # variance 1 / inputs
            else:
                v = 0.1 * noise(p.numel(), name) + (0 if name.endswith("bias") else 1)
            p.copy_(v.reshape(p.shape).float())
    net = net.to(dtype).train()
    x = torch.stack([noise(3 * SIDE * SIDE, f"image {i}").reshape(SIDE, SIDE, 3).permute(2, 0, 1) for i in range(2)])
    logits = net(x.float().to(dtype))[:, 0]
    loss = nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor([1., 0.], dtype=dtype))
    loss.backward()
    return net, logits, loss


def gradients(net):
    """By name: the norm of a gradient, and its product with a vector of that norm's kind, which tells its direction."""
    return {name: (p.grad.double().norm().item(),
                   (p.grad.double().flatten() * noise(p.numel(), name + "'")).sum().item())
            for name, p in net.named_parameters()}


def main():
    exact, in_float = trained(torch.float64), trained(torch.float32)
    of, rounded = gradients(exact[0]), gradients(in_float[0])
    worst = max(abs(a - b) / of[name][0] for name in of for a, b in zip(of[name], rounded[name]))
    print(f"PyTorch's float32 differs by {worst:.1e} of a gradient's norm at most", file=sys.stderr)
    print("// Made by make_critic_training.py.\n#pragma once\n\nnamespace fovea_test {\n")
    print("inline constexpr double critic_logits[] = {%.9g, %.9g}, critic_loss = %.9g;" % (*exact[1].tolist(), exact[2].item()))
    running = dict(exact[0].named_buffers())["detector.15.residual.1.running_var"].double()
    print("inline constexpr double critic_running_variance = %.9g; // of the last normalisation, the mean of all\n"
          % running.mean().item())
    print("struct critic_gradient {\n    const char* name;\n    double norm, along;\n};")
    print("inline constexpr critic_gradient critic_gradients[] = {")
    for name, (norm, along) in of.items():
        print('    {"%s", %.7g, %.7g},' % (name, norm, along))
    print("};\n\n} // namespace fovea_test")


if __name__ == "__main__":
    main()
