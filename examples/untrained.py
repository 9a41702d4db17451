"""A network straight from the editor: no weights, no claims, no input in sight.

TorchLean still shows something: it tries input shapes until one fits every layer, and then shows the shape of
each tensor. The weights are anything their initialisers may draw, and so are the intervals.
"""

import torch.nn.functional as F
from torch import nn


class SmallVision(nn.Module):
    def __init__(self, classes: int = 10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, padding=1)
        self.fc1 = nn.Linear(32 * 8 * 8, 64)
        self.fc2 = nn.Linear(64, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = x.flatten(1)
        x = F.relu(self.fc1(x))
        return self.fc2(x)
