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
log_a = torch.full((n,), 1.0 / n).log()
log_b = torch.full((n,), 1.0 / n).log()
log_kernel = -cost / args.epsilon
f = torch.zeros(n)
g = torch.zeros(n)
for _ in range(args.iterations):
    f = log_a - torch.logsumexp(log_kernel + g.unsqueeze(0), dim=1)  # stable
    g = log_b - torch.logsumexp(log_kernel + f.unsqueeze(1), dim=0)  # stable
plan = torch.exp((f.unsqueeze(1) + log_kernel + g.unsqueeze(0)).clamp(max=0.0))
print("cost", (plan * cost).sum().item())
