import copy

import torch
from torch import nn

import torchlean as tl


class TiedAutoencoder(nn.Module):
    """The decoder uses the encoder's matrix, and two blocks start as copies of one."""

    def __init__(self, features=5, code=3):
        super().__init__()
        self.encoder = nn.Linear(features, code)
        self.bias = nn.Parameter(torch.zeros(features))
        block = nn.Sequential(nn.Linear(code, code), nn.Tanh())
        self.blocks = nn.ModuleList([copy.deepcopy(block) for _ in range(2)])
        self.again = self.blocks[0]

    def forward(self, x):
        z = self.encoder(x)
        for block in self.blocks:
            z = block(z)
        z = self.again(z)
        return nn.functional.linear(z, self.encoder.weight.t(), self.bias)


model = tl.load(TiedAutoencoder(), "tied.pt")
