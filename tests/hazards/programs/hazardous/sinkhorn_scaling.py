"""Entropic optimal transport between two random point clouds."""
import argparse

import torch

parser = argparse.ArgumentParser()
parser.add_argument("--epsilon", type=float, default=0.001)
parser.add_argument("--iterations", type=int, default=5)
args = parser.parse_args()

torch.manual_seed(0)
n = 6
cost = torch.rand(n, n)
a = torch.full((n,), 1.0 / n)
b = torch.full((n,), 1.0 / n)
kernel = torch.exp(-cost / args.epsilon)
u = torch.ones(n)
v = torch.ones(n)
for _ in range(args.iterations):
    u = a / (kernel @ v)  # hazard: TL203
    v = b / (kernel.t() @ u)  # hazard: TL203
plan = u.unsqueeze(1) * kernel * v.unsqueeze(0)
print("cost", (plan * cost).sum().item())
