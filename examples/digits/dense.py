"""Handwritten digits, 8 by 8 pixels between 0 and 1, told apart by four dense layers.

Each claim says that a digit keeps its class however its pixels are changed by up to `eps`. Trained by
`train.py`.
"""

import torch
from torch import nn

import torchlean as tl


class Dense(nn.Module):
    def __init__(self, hidden: int = 64):
        super().__init__()
        self.fc1 = nn.Linear(64, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, hidden)
        self.fc4 = nn.Linear(hidden, 10)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        x = torch.relu(self.fc3(x))
        return self.fc4(x)


net = tl.load(Dense(), "dense.safetensors")

# Samples 32, 19 and 11 of digits_test.npz, a row of pixels per line.
# fmt: off
THREE = [
    0.0, 0.0, 0.5625, 1.0, 1.0, 0.9375, 0.25, 0.0,
    0.0, 0.5, 1.0, 0.5625, 0.4375, 0.875, 0.6875, 0.0,
    0.0, 0.3125, 0.3125, 0.0625, 0.8125, 0.9375, 0.0625, 0.0,
    0.0, 0.0, 0.0, 0.625, 1.0, 0.4375, 0.0, 0.0,
    0.0, 0.0, 0.0, 0.0625, 0.6875, 1.0, 0.25, 0.0,
    0.0, 0.0, 0.0, 0.0, 0.0, 0.875, 0.5, 0.0,
    0.0, 0.0, 0.1875, 0.25, 0.375, 1.0, 0.25, 0.0,
    0.0, 0.0, 0.875, 1.0, 1.0, 0.5, 0.0, 0.0,
]

ZERO = [
    0.0, 0.0, 0.125, 0.625, 0.9375, 0.4375, 0.0, 0.0,
    0.0, 0.0, 0.875, 0.9375, 0.4375, 0.9375, 0.125, 0.0,
    0.0, 0.25, 1.0, 0.1875, 0.0, 0.6875, 0.25, 0.0,
    0.0, 0.25, 0.875, 0.0, 0.0, 0.4375, 0.5, 0.0,
    0.0, 0.4375, 0.75, 0.0, 0.0, 0.375, 0.4375, 0.0,
    0.0, 0.25, 1.0, 0.0625, 0.0, 0.75, 0.25, 0.0,
    0.0, 0.0625, 0.875, 0.75, 0.625, 1.0, 0.0625, 0.0,
    0.0, 0.0, 0.0625, 0.875, 0.8125, 0.3125, 0.0, 0.0,
]

NINE = [
    0.0, 0.0, 0.1875, 0.25, 0.625, 0.0, 0.0, 0.0,
    0.0, 0.1875, 0.9375, 0.5, 0.875, 0.1875, 0.0, 0.0,
    0.0, 0.5, 0.4375, 0.0, 0.625, 0.375, 0.0, 0.0,
    0.0, 0.1875, 0.6875, 0.5, 0.9375, 0.6875, 0.0, 0.0,
    0.0, 0.0, 0.0625, 0.4375, 0.1875, 0.8125, 0.1875, 0.0,
    0.0, 0.0, 0.0, 0.0, 0.0, 0.375, 0.5625, 0.0,
    0.0, 0.0, 0.5625, 0.375, 0.0625, 0.0, 1.0, 0.0,
    0.0, 0.0, 0.0, 0.1875, 0.6875, 1.0, 1.0, 0.1875,
]
# fmt: on


@tl.claim(x=tl.ball(THREE, eps=0.02, clip=(0, 1)))
def three_stays_three(x):
    return net(x).argmax(-1) == 3


@tl.claim(x=tl.ball(THREE, eps=0.05, clip=(0, 1)))
def three_is_no_lookalike(x):
    y = net(x)
    return (y[3] - y[8] > 0) & (y[3] - y[5] > 0) & (y[3] - y[9] > 0)


@tl.claim(x=tl.ball(ZERO, eps=0.05, clip=(0, 1)))
def zero_stays_zero(x):
    return net(x).argmax(-1) == 0


@tl.claim(x=tl.ball(ZERO, eps=0.18, clip=(0, 1)))
def zero_stays_zero_far_away(x):
    """Nobody knows: linear bounds show it up to 0.15, an input refutes it at 0.2, and in between is the truth."""
    return net(x).argmax(-1) == 0


@tl.claim(x=tl.ball(NINE, eps=0.05, clip=(0, 1)))
def careless_nine_stays_nine(x):
    """False: this nine is written so carelessly that small changes of its pixels make it another digit."""
    return net(x).argmax(-1) == 9
