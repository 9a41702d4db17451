"""Focal loss for a detector's objectness."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F

parser = argparse.ArgumentParser(description="focal loss")
parser.add_argument("--alpha", type=float, default=0.25)
parser.add_argument("--gamma", type=float, default=2.0)
parser.add_argument("--steps", type=int, default=3)
args = parser.parse_args()


class FocalLoss(nn.Module):
    def __init__(self, alpha, gamma):
        super().__init__()
        self.alpha = alpha
        self.gamma = gamma

    def forward(self, inputs, targets):
        p = torch.sigmoid(inputs)
        positive = self.alpha * (1 - p) ** self.gamma * targets * torch.log(p)  # hazard: TL212
        negative = (1 - self.alpha) * p ** self.gamma * (1 - targets) * torch.log(1 - p)  # hazard: TL212
        return -(positive + negative).mean()


detector = nn.Linear(6, 1)
criterion = FocalLoss(args.alpha, args.gamma)
optimizer = torch.optim.SGD(detector.parameters(), lr=0.1, momentum=0.9)
for step in range(args.steps):
    x = torch.randn(12, 6)
    y = (torch.rand(12, 1) > 0.7).float()
    loss = criterion(detector(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
