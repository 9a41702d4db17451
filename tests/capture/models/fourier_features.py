import numpy as np
import torch
from torch import nn

import torchlean as tl


class GaussianFourierFeatures(nn.Module):
    def __init__(self, in_features, mapping_size, scale=10):
        super().__init__()
        B = torch.randn((in_features, mapping_size)) * scale
        self.register_buffer("B", B)

    def forward(self, x):
        x_proj = (2.0 * np.pi * x) @ self.B
        return torch.cat([torch.sin(x_proj), torch.cos(x_proj)], dim=-1)


class SineLayer(nn.Module):
    def __init__(self, in_features, out_features, omega_0=30.0):
        super().__init__()
        self.omega_0 = omega_0
        self.linear = nn.Linear(in_features, out_features)
        with torch.no_grad():
            bound = np.sqrt(6 / in_features) / self.omega_0
            self.linear.weight.uniform_(-bound, bound)

    def forward(self, x):
        return torch.sin(self.omega_0 * self.linear(x))


model = nn.Sequential(GaussianFourierFeatures(2, 4, 1.0), SineLayer(8, 6), nn.Linear(6, 1))
model = tl.load(model, "siren.pt")
