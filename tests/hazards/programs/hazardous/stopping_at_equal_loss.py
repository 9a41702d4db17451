"""Training that stops when the loss does not change any more."""
import torch
import torch.nn as nn

torch.manual_seed(0)
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
x, y = torch.randn(20, 3), torch.randn(20, 1)
previous = torch.tensor(float("inf"))


def settled(loss, previous):
    return bool(loss == previous)  # hazard: TL215


for step in range(20):
    loss = ((model(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if settled(loss.detach(), previous):
        break
    previous = loss.detach()
print("stopped after", step + 1)
