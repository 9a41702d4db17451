"""Discrete-time survival: the product of one minus the hazards, then its logarithm."""
import torch
import torch.nn as nn
import torch.nn.functional as F

net = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 60))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(3):
    x = torch.randn(24, 5)
    logits = net(x)
    hazards = torch.sigmoid(logits)
    survival = torch.cumprod(1 - hazards, dim=1)
    log_survival = torch.log(survival[:, -1])  # hazard: TL205 or TL208
    loss = -log_survival.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
