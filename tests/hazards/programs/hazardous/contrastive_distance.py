"""Contrastive loss on pairs, with the distance from its formula."""
import argparse

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--margin", default=1.0, type=float)
parser.add_argument("--epochs", default=1, type=int)
args = parser.parse_args()


class ContrastiveLoss(nn.Module):
    def __init__(self, margin):
        super(ContrastiveLoss, self).__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = torch.sqrt(((output1 - output2) ** 2).sum(dim=1))  # hazard: TL219
        pull = label * distance ** 2
        push = (1 - label) * torch.clamp(self.margin - distance, min=0.0) ** 2
        return torch.mean(pull + push)


net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
criterion = ContrastiveLoss(args.margin)
optimizer = torch.optim.RMSprop(net.parameters(), lr=1e-3)
pairs = TensorDataset(torch.rand(32, 6), torch.rand(32, 6), torch.randint(0, 2, (32,)).float())

for epoch in range(args.epochs):
    for x1, x2, label in DataLoader(pairs, batch_size=8, shuffle=True):
        optimizer.zero_grad()
        loss = criterion(net(x1), net(x2), label)
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
