"""A loss whose logarithm is clamped when it is too late for the gradient."""
import torch
import torch.nn as nn


class Occupancy(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 1), nn.ReLU())

    def forward(self, points):
        return self.net(points)


def loss_of(density):
    return -torch.log(density.clamp(min=1e-6)).mean()  # stable


model = Occupancy()
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
for step in range(2):
    loss = loss_of(model(torch.rand(10, 3)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
