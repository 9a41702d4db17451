"""Hand-written cross entropy of probabilities that were clamped with an epsilon too small for float32."""
import torch
import torch.nn as nn
import torch.nn.functional as F

EPS = 1e-6


def complement_loss(p):
    return -torch.log(1.0 - torch.clamp(p, EPS, 1.0 - EPS)).mean()  # stable


segmenter = nn.Conv2d(1, 1, 3, padding=1)
optimizer = torch.optim.Adam(segmenter.parameters(), lr=1e-3)
for step in range(2):
    images = torch.rand(2, 1, 8, 8)
    loss = complement_loss(torch.sigmoid(segmenter(images)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
