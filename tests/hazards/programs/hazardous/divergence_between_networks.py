"""Mutual learning: two networks imitate each other."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
data = TensorDataset(torch.randn(32, 10), torch.randint(0, 6, (32,)))
loader = DataLoader(data, batch_size=16, shuffle=True)


def make():
    return nn.Sequential(nn.Linear(10, 20), nn.BatchNorm1d(20), nn.ReLU(), nn.Dropout(p=0.2), nn.Linear(20, 6))


first, second = make(), make()
optimizer = torch.optim.Adam([*first.parameters(), *second.parameters()], lr=1e-3)
kl = nn.KLDivLoss(reduction="batchmean")

for epoch in range(1):
    first.train()
    second.train()
    for x, y in loader:
        a, b = first(x), second(x)
        ce = F.cross_entropy(a, y) + F.cross_entropy(b, y)
        imitation = kl(F.softmax(a, dim=1).log(), F.softmax(b.detach(), dim=1))  # hazard: TL211
        loss = ce + imitation
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("epoch", epoch, loss.item())
