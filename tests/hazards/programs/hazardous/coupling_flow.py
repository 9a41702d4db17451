"""A small normalising flow of affine coupling layers, trained on a ring of points."""
import math

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

DIM, HIDDEN, LAYERS, EPOCHS = 2, 16, 3, 1


class Coupling(nn.Module):
    def __init__(self, dim, hidden, mask):
        super().__init__()
        self.register_buffer("mask", mask)
        self.scale_net = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, dim))
        self.shift_net = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, dim))

    def forward(self, x):
        kept = x * self.mask
        s = self.scale_net(kept)
        scale = torch.exp(s)  # hazard: TL201
        y = kept + (1 - self.mask) * (x * scale + self.shift_net(kept))
        return y, ((1 - self.mask) * s).sum(dim=1)


class Flow(nn.Module):
    def __init__(self):
        super().__init__()
        masks = [torch.tensor([float(i % 2), float((i + 1) % 2)]) for i in range(LAYERS)]
        self.layers = nn.ModuleList([Coupling(DIM, HIDDEN, mask) for mask in masks])

    def forward(self, x):
        total = torch.zeros(x.shape[0])
        for layer in self.layers:
            x, log_det = layer(x)
            total = total + log_det
        return x, total


def log_prior(z):
    return (-0.5 * z ** 2 - 0.5 * math.log(2 * math.pi)).sum(dim=1)


angles = torch.rand(64) * 2 * math.pi
ring = torch.stack([torch.cos(angles), torch.sin(angles)], dim=1) + 0.05 * torch.randn(64, 2)
flow = Flow()
optimizer = torch.optim.Adam(flow.parameters(), lr=1e-3)
for epoch in range(EPOCHS):
    for (points,) in DataLoader(TensorDataset(ring), batch_size=16, shuffle=True):
        z, log_det = flow(points)
        loss = -(log_prior(z) + log_det).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

# a linear layer of the flow, fitted on its own
mixing = torch.eye(DIM).requires_grad_()
optimizer = torch.optim.SGD([mixing], lr=0.01)
for step in range(10):
    volume = -torch.log(torch.abs(torch.det(mixing)))  # hazard: TL205
    loss = volume + (ring @ mixing).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
