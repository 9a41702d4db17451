"""Attention with a padding mask of minus infinity."""
import math

import torch
import torch.nn as nn


class Attention(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.q = nn.Linear(width, width)
        self.k = nn.Linear(width, width)
        self.v = nn.Linear(width, width)
        self.width = width

    def forward(self, x, keep):
        scores = self.q(x) @ self.k(x).transpose(1, 2) / math.sqrt(self.width)
        scores = scores.masked_fill(~keep.unsqueeze(1), float("-inf"))
        weights = torch.softmax(scores, dim=-1)  # hazard: TL202
        return weights @ self.v(x)


attention = Attention(4)
for step in range(2):
    x = torch.randn(2, 5, 4)
    keep = torch.rand(2, 5) > 0.1
    print(attention(x, keep).mean().item())
