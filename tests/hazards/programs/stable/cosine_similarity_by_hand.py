"""Siamese network that compares embeddings by the cosine of their angle."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(9, 16), nn.ReLU(), nn.Linear(16, 4), nn.ReLU())

    def forward(self, a, b):
        return self.embed(a), self.embed(b)


def cosine(a, b):
    dot = (a * b).sum(dim=1)
    return dot / (torch.norm(a, dim=1) * torch.norm(b, dim=1)).clamp(min=1e-6)  # stable


net = Siamese()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for step in range(3):
    left, right = torch.rand(16, 9), torch.rand(16, 9)
    same = torch.randint(0, 2, (16,)).float()
    u, v = net(left, right)
    loss = F.mse_loss(cosine(u, v), same)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
