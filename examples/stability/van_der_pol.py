"""A van der Pol oscillator brought to rest by a trained controller, with a trained quadratic Lyapunov function.

The state is `x = [position, speed]`, without units. Left alone the oscillator never rests: it is driven away from the
origin and around a limit cycle. `step` is a tenth of a unit of time by the semi-implicit Euler method. `train.py`
trains the controller and the matrix of `V`.
"""

import torch
from torch import nn

import torchlean as tl

DAMPING = 1.0
TIME_STEP = 0.1


class Controller(nn.Module):
    def __init__(self, hidden: int = 16):
        super().__init__()
        self.fc1 = nn.Linear(2, hidden)
        self.fc2 = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x)))


class Quadratic(nn.Module):
    """`|A x|^2` with a trained matrix A."""

    def __init__(self):
        super().__init__()
        self.root = nn.Linear(2, 2, bias=False)

    def forward(self, x):
        return self.root(x).square().sum(-1)


controller = tl.load(Controller(), "van_der_pol_controller.safetensors")
V = tl.load(Quadratic(), "van_der_pol_lyapunov.safetensors")


def acceleration(position, speed, force):
    return DAMPING * (1 - position**2) * speed - position + force


def step(x):
    position, speed = x[..., 0], x[..., 1]
    speed = speed + TIME_STEP * acceleration(position, speed, controller(x).squeeze(-1))
    return torch.stack([position + TIME_STEP * speed, speed], -1)


stable = tl.lyapunov(
    V,
    step,
    region=tl.box([-1.5, -1.5], [1.5, 1.5]),
    level=(0.05, 0.9),
    decrease=0.002,
    inner=0.1,
)
