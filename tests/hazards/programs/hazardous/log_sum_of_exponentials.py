"""Energy score of an out-of-distribution detector."""
import torch
import torch.nn as nn


class Energy(nn.Module):
    def __init__(self, inputs, classes):
        super().__init__()
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        return self.fc(x)


def energy(logits):
    return -torch.log(torch.sum(torch.exp(logits), dim=1))  # hazard: TL201 or TL210


net = Energy(8, 4)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for step in range(3):
    inside, outside = torch.randn(8, 8), 3 * torch.randn(8, 8)
    loss = energy(net(inside)).mean() - energy(net(outside)).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
