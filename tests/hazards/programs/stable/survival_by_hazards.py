"""Discrete-time survival: the product of one minus the hazards, then its logarithm."""
import torch
import torch.nn as nn
import torch.nn.functional as F

net = nn.Sequential(nn.Linear(5, 32), nn.ReLU(), nn.Linear(32, 60))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
for step in range(3):
    x = torch.randn(24, 5)
    logits = net(x)
    log_survival = F.logsigmoid(-logits).sum(dim=1)  # stable
    loss = -log_survival.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
