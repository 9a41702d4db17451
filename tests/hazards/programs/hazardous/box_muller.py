"""Normal random numbers from uniform ones, checked by their moments."""
import math

import torch


def normal(n):
    u1 = torch.rand(n)
    u2 = torch.rand(n)
    radius = torch.sqrt(-2.0 * torch.log(u1))  # hazard: TL205
    return radius * torch.cos(2.0 * math.pi * u2)


sample = normal(1000)
print("mean", sample.mean().item(), "max", sample.max().item())
