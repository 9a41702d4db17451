"""A mistake made on purpose: the second layer expects 64 features, and the first gives 46.

Python notices only when the network is called. TorchLean underlines the second layer's call while you type,
says which shapes meet there, and points at the lines that made them.
"""

import torch
from torch import nn


class Mistaken(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(16, 46)  # two digits swapped
        self.decode = nn.Linear(64, 16)

    def forward(self, x):
        code = torch.relu(self.encode(x))
        return self.decode(code)
