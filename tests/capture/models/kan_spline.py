import torch
import torch.nn as nn
import torch.nn.functional as F

import torchlean as tl


class SplineLayer(nn.Module):
    """Learnable functions on edges: a piecewise-linear basis on a fixed grid, plus a SiLU base."""

    def __init__(self, in_features, out_features, grid_size=5, low=-1.0, high=1.0):
        super().__init__()
        self.grid_size = grid_size
        self.register_buffer("grid", torch.linspace(low, high, grid_size))
        self.step = (high - low) / (grid_size - 1)
        self.coefficients = nn.Parameter(torch.randn(out_features, in_features, grid_size) * 0.1)
        self.base_weight = nn.Parameter(torch.empty(out_features, in_features))
        nn.init.kaiming_uniform_(self.base_weight, a=5**0.5)

    def basis(self, x):
        distance = torch.abs(x.unsqueeze(-1) - self.grid) / self.step
        return torch.clamp(1.0 - distance, min=0.0)

    def forward(self, x):
        spline = (self.basis(x).unsqueeze(1) * self.coefficients).sum(dim=(-1, -2))
        return F.linear(F.silu(x), self.base_weight) + spline


class KAN(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.layers = nn.ModuleList(SplineLayer(a, b) for a, b in zip(sizes[:-1], sizes[1:]))

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


model = tl.load(KAN([2, 3, 1]), "kan.pt")
