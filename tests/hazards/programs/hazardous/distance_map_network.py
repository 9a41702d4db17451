"""Pairwise distances of embedded points, kept at zero by hand for pairs that coincide."""
import argparse

import torch
import torch.nn as nn
import torch.optim as optim

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--lr", type=float, default=1e-2)
opt = parser.parse_args()


class Embedding(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, points):
        return self.layers(points)


def pairwise_distances(z):
    squared = (z.unsqueeze(0) - z.unsqueeze(1)).pow(2).sum(dim=-1)
    # points have no distance from themselves
    return torch.where(squared > 0, squared.sqrt(), torch.zeros_like(squared))  # hazard: TL209


def stress(z, wanted):
    return ((pairwise_distances(z) - wanted) ** 2).mean()


points = torch.rand(12, 5)
wanted = torch.cdist(points, points)
net = Embedding()
optimizer = optim.Adam(net.parameters(), lr=opt.lr)
for step in range(opt.steps):
    optimizer.zero_grad()
    loss = stress(net(points), wanted)
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print("step %d stress %.4f" % (step, loss.item()))
