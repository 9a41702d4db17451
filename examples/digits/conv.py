"""The same digits, seen as images of one channel by a small convolutional network. Trained by `train.py`."""

import torch
from torch import nn

import torchlean as tl


class Conv(nn.Module):
    def __init__(self, channels: int = 8):
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(channels, 2 * channels, kernel_size=3, stride=2, padding=1)
        self.fc1 = nn.Linear(2 * channels * 4 * 4, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        x = torch.relu(self.conv1(x))
        x = torch.relu(self.conv2(x))
        x = torch.flatten(x, start_dim=-3)
        x = torch.relu(self.fc1(x))
        return self.fc2(x)


net = tl.load(Conv(), "conv.safetensors")

# Samples 43 and 49 of digits_test.npz: one channel of 8 rows.
SEVEN = [
    [
        [0.0, 0.0, 0.0625, 0.6875, 1.0, 1.0, 0.4375, 0.0],
        [0.0, 0.0, 0.4375, 0.8125, 0.5, 1.0, 0.3125, 0.0],
        [0.0, 0.0, 0.0, 0.0625, 0.0625, 1.0, 0.25, 0.0],
        [0.0, 0.0, 0.125, 0.4375, 0.8125, 1.0, 0.9375, 0.0],
        [0.0, 0.0625, 0.9375, 1.0, 1.0, 0.75, 0.1875, 0.0],
        [0.0, 0.0625, 0.5, 0.25, 1.0, 0.125, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.5625, 0.6875, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0625, 0.875, 0.25, 0.0, 0.0, 0.0],
    ]
]

SIX = [
    [
        [0.0, 0.0, 0.0625, 0.625, 0.4375, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.375, 0.8125, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.8125, 0.3125, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.125, 1.0, 0.0625, 0.3125, 0.125, 0.0, 0.0],
        [0.0, 0.1875, 1.0, 0.9375, 0.6875, 0.5625, 0.3125, 0.0],
        [0.0, 0.125, 1.0, 0.375, 0.0, 0.125, 0.875, 0.0],
        [0.0, 0.0, 0.625, 0.625, 0.0625, 0.3125, 0.9375, 0.0],
        [0.0, 0.0, 0.0625, 0.75, 0.9375, 0.875, 0.375, 0.0],
    ]
]


@tl.claim(x=tl.ball(SEVEN, eps=0.02, clip=(0, 1)))
def seven_stays_seven(x):
    return net(x).argmax(-1) == 7


@tl.claim(x=tl.ball(SEVEN, eps=0.05, clip=(0, 1)))
def seven_is_clearly_no_one(x):
    y = net(x)
    return y[7] - y[1] >= 1.0


@tl.claim(x=tl.ball(SIX, eps=0.14, clip=(0, 1)))
def six_stays_six_far_away(x):
    """Proved, but not by bounds of the whole ball: relus are split by their signs until every part is shown."""
    return net(x).argmax(-1) == 6
