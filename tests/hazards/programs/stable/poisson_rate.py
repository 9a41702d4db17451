"""Poisson regression of counts with the rate as an exponential."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
counts = torch.randint(0, 9, (40, 1)).float()
loader = DataLoader(TensorDataset(torch.randn(40, 3), counts), batch_size=10, shuffle=True)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)

for epoch in range(2):
    for x, y in loader:
        score = model(x).clamp(max=20.0)  # stable
        rate = torch.exp(score)  # stable
        loss = (rate - y * score).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("epoch", epoch, loss.item())
