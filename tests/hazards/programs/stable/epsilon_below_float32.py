"""Unit vectors with an epsilon that float32 cannot hold."""
import torch
import torch.nn as nn


def unit(v):
    length = v.abs().sum(dim=1, keepdim=True)
    return v / (length + 1e-6)  # stable


encoder = nn.Sequential(nn.Linear(5, 8), nn.ReLU())
print(unit(encoder(torch.randn(4, 5))).shape)
