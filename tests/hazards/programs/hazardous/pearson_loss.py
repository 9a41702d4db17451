"""Regression trained on the correlation between prediction and target."""
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset, random_split


class MLP(nn.Module):
    def __init__(self, n_in):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(n_in, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1))

    def forward(self, x):
        return self.layers(x).squeeze(-1)


class PearsonLoss(nn.Module):
    def forward(self, x, y):
        vx = x - torch.mean(x)
        vy = y - torch.mean(y)
        norm = torch.norm(vx) * torch.norm(vy)
        return 1 - torch.sum(vx * vy) / norm  # hazard: TL203 or TL202


torch.manual_seed(4)
dataset = TensorDataset(torch.randn(60, 5), torch.randn(60))
train_set, valid_set = random_split(dataset, [48, 12])
train_loader = DataLoader(train_set, batch_size=12, shuffle=True)
valid_loader = DataLoader(valid_set, batch_size=12)
model, criterion = MLP(5), PearsonLoss()
optimizer = optim.Adam(model.parameters(), lr=1e-3)

for epoch in range(1):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        valid = sum(criterion(model(x), y).item() for x, y in valid_loader)
    print("epoch", epoch, loss.item(), valid)
