"""Models that static capture does not follow, and that run all the same; and some that cannot be exported."""

import functools
import importlib

import torch
from torch import nn

import torchlean as tl

helpers = importlib.import_module("helper_package.blocks")
"""By a name that is only known when the program runs."""


class Dispatched(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 3)

    def forward(self, x):
        return helpers.activation("relu")(self.fc(x))


class Reduced(nn.Module):
    """Layers that one helper chains."""

    def __init__(self):
        super().__init__()
        self.parts = nn.ModuleList([nn.Linear(2, 2), nn.Tanh()])

    def forward(self, x):
        return helpers.chained(list(self.parts))(x)


torch.manual_seed(5)
dispatched, reduced = Dispatched().eval(), Reduced().eval()


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def is_not_negative(x):
    return dispatched(x) >= 0


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def stays_small(x):
    return reduced(x).abs() <= 1.0


class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        raise ValueError("no such model")

    def forward(self, x):
        return x


class Branches(nn.Module):
    """Which branch is taken depends on the numbers."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, x):
        y = self.fc(x)
        if y.sum() > 0:
            return y
        return -y


class NoTensor(nn.Module):
    def forward(self):
        return torch.ones(2)


class Cached(nn.Module):
    """A partial function, and a cached helper."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)
        self.scale = functools.partial(torch.mul, other=3.0)

    def forward(self, x):
        return self.scale(self.fc(x))
