"""Consistency training: two views of a batch should give the same distribution."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(5, 12), nn.ReLU(), nn.Linear(12, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)


def kl(a, b):
    p, q = F.log_softmax(a, dim=1), F.log_softmax(b, dim=1)  # stable
    return (torch.exp(p) * (p - q)).sum(dim=1).mean()  # stable


for step in range(3):
    x = torch.randn(8, 5)
    loss = kl(net(x), net(x + 0.1 * torch.randn_like(x)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
