"""Regression with a predicted mean and scale."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Heteroscedastic(nn.Module):
    def __init__(self):
        super(Heteroscedastic, self).__init__()
        self.body = nn.Linear(2, 16)
        self.mean = nn.Linear(16, 1)
        self.scale = nn.Linear(16, 1)

    def forward(self, x):
        h = torch.tanh(self.body(x))
        return self.mean(h), F.relu(self.scale(h))


def negative_log_likelihood(y, mean, scale):
    squared = ((y - mean) / scale) ** 2  # hazard: TL203 or TL202
    return (0.5 * squared + 0.5 * math.log(2 * math.pi)).mean()


model = Heteroscedastic()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(2):
    x = torch.rand(32, 2)
    y = x.sum(dim=1, keepdim=True) + 0.1 * torch.randn(32, 1)
    mean, scale = model(x)
    loss = negative_log_likelihood(y, mean, scale)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
