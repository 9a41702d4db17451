"""Geodesic distance of predicted rotations (6D representation)."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def rotation(six):
    a, b = six[:, :3], six[:, 3:]
    x = F.normalize(a, dim=1)
    z = F.normalize(torch.cross(x, b, dim=1), dim=1)
    y = torch.cross(z, x, dim=1)
    return torch.stack([x, y, z], dim=2)


def geodesic(r1, r2):
    m = torch.bmm(r1, r2.transpose(1, 2))
    cos = (m[:, 0, 0] + m[:, 1, 1] + m[:, 2, 2] - 1) / 2
    return torch.acos(cos.clamp(-1 + 1e-6, 1 - 1e-6)).mean()  # stable


net = nn.Sequential(nn.Linear(30, 64), nn.ReLU(), nn.Linear(64, 6))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-4)
for step in range(4):
    points = torch.randn(8, 30)
    target = rotation(torch.randn(8, 6))
    loss = geodesic(rotation(net(points)), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
