"""A hand-written layer normalisation in a model with a claim."""
import torch
from torch import nn

import torchlean as tl


class Norm(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(features))
        self.shift = nn.Parameter(torch.zeros(features))

    def forward(self, x):
        mean = x.mean(-1, keepdim=True)
        variance = ((x - mean) ** 2).mean(-1, keepdim=True)
        normed = (x - mean) / torch.sqrt(variance + 1e-5)  # stable
        return self.gain * normed + self.shift


norm = Norm(4)


@tl.claim(x=tl.box([-1.0, -1.0, -1.0, -1.0], [1.0, 1.0, 1.0, 1.0]))
def is_centred(x):
    return norm(x).mean(-1).abs() <= 10.0
