"""Consistency training: two views of a batch should give the same distribution."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(5, 12), nn.ReLU(), nn.Linear(12, 3))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)


def kl(a, b):
    p, q = F.softmax(a, dim=1), F.softmax(b, dim=1)
    return (p * torch.log(p / q)).sum(dim=1).mean()  # hazard: TL203 or TL205 or TL211 or TL202


for step in range(3):
    x = torch.randn(8, 5)
    loss = kl(net(x), net(x + 0.1 * torch.randn_like(x)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
