"""A network that solves the heat equation `u_t = u_xx / 10` on a rod, and how far from it the network can be.

The rod is the interval from 0 to 1, kept at temperature 0 at both ends, and starts at `sin(pi x)`. The network was
trained on points of space-time (`train.py`); the claims are about all of them. Its residual, `u_t - u_xx / 10`, is
zero for a solution; `heat.residual` bounds it everywhere, `heat.boundary` the temperature of the ends, `heat.initial`
the difference from the sine at the start. By the maximum principle these three bound the error of the whole solution:
it is at most the larger of the last two, plus the first times the time.

Derivatives are taken by `tl.D`: at run time by autograd, in the analysis as formulas, and it is their exact values that
`heat.residual` is about.
"""

import math

import torch
from torch import nn

import torchlean as tl

DIFFUSIVITY = 0.1


class Rod(nn.Module):
    """Temperature at place x and time t: 2 -> 16 -> 16 -> 1, with tanh."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.fc1 = nn.Linear(2, width)
        self.fc2 = nn.Linear(width, width)
        self.fc3 = nn.Linear(width, 1)

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        hidden = torch.tanh(self.fc1(torch.cat([x, t], -1)))
        return self.fc3(torch.tanh(self.fc2(hidden)))


rod = tl.load(Rod(), "rod.safetensors")


def equation(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """What the heat equation says is zero."""
    u = rod(x, t)
    return tl.D(u, t) - DIFFUSIVITY * tl.D(u, x, x)


def start(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return rod(x, t) - torch.sin(math.pi * x)


heat = tl.residual(
    equation,
    x=tl.box([0.0], [1.0]),
    t=tl.box([0.0], [1.0]),
    eps=0.005,
    boundary=rod,
    boundary_eps=0.001,
    initial=start,
    initial_eps=0.002,
)
