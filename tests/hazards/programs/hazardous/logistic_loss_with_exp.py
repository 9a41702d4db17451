"""Linear classifier with labels -1 and 1, the logistic loss from its formula."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(3)
X = torch.randn(50, 2)
Y = torch.sign(X[:, :1] - 0.3 * X[:, 1:])

linear = nn.Linear(2, 1)
optimizer = torch.optim.SGD(linear.parameters(), lr=0.1)


def logistic(margin):
    return torch.log(1 + torch.exp(-margin)).mean()  # hazard: TL201 or TL206


for epoch in range(4):
    optimizer.zero_grad()
    margin = Y * linear(X)
    loss = logistic(margin)
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())
