"""Angular error between directions, for a pose network."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def angle(u, v):
    c = (F.normalize(u, dim=-1) * F.normalize(v, dim=-1)).sum(dim=-1)
    return torch.acos(c.clamp(-1 + 1e-6, 1 - 1e-6))  # stable


model = nn.Linear(5, 3)
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
for _ in range(3):
    features = torch.randn(6, 5)
    truth = F.normalize(torch.randn(6, 3), dim=-1)
    prediction = model(features)
    error = angle(prediction, truth).mean()
    opt.zero_grad()
    error.backward()
    opt.step()
    print("angular error", error.item())
