import torch
from torch import nn

import torchlean as tl


class Lyapunov(nn.Module):
    """V(x) = |phi(x) - phi(0)|^2 + x^T (eps I + R^T R) x, in float64."""

    def __init__(self, eps=0.01):
        super().__init__()
        self.eps = eps
        self.phi = nn.Sequential(nn.Linear(2, 6), nn.LeakyReLU(0.1), nn.Linear(6, 1))
        self.R = nn.Parameter(torch.rand((2, 2)) - 0.5)

    def forward(self, x):
        zero = torch.zeros(1, 2, dtype=x.dtype)
        quadratic = self.eps * torch.eye(2, dtype=x.dtype) + self.R.transpose(0, 1) @ self.R
        network = torch.abs(self.phi(x) - self.phi(zero))
        return network + torch.sum(x * (x @ quadratic), axis=-1, keepdim=True)


model = tl.load(Lyapunov().double(), "lyapunov.pt")
