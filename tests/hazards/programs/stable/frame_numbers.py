"""Positions of frames in a long recording become sinusoidal features."""
import math

import torch
import torch.nn as nn

FIRST = 40_000_000


def encoding(frames, width):
    position = (frames - FIRST).to(torch.float32).unsqueeze(1)  # stable
    rate = torch.exp(torch.arange(0, width, 2).to(position.dtype) * (-math.log(10000.0) / width))
    angle = position * rate
    return torch.cat([torch.sin(angle), torch.cos(angle)], dim=1)


frames = torch.arange(FIRST, FIRST + 16)
features = encoding(frames, 8).float()
model = nn.Linear(8, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(2):
    loss = model(features).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
