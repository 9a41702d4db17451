"""Inverse-propensity weights: 1 / (1 - p) for those not treated."""
import torch
import torch.nn as nn

propensity = nn.Sequential(nn.Linear(7, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())
outcome = nn.Linear(7, 1)
optimizer = torch.optim.Adam(list(propensity.parameters()) + list(outcome.parameters()), lr=1e-2)

for step in range(5):
    x = torch.randn(40, 7) * 10
    treated = (torch.rand(40, 1) > 0.5).float()
    y = torch.randn(40, 1)
    p = propensity(x)
    weight = (1 - treated) / (1 - p)  # hazard: TL203
    loss = (weight * (outcome(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
