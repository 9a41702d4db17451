"""Non-negative attention weights that are divided by their sum."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Pool(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Linear(4, 1)
        self.value = nn.Linear(4, 3)

    def forward(self, x):
        w = F.relu(self.score(x))
        w = w / w.sum(dim=1, keepdim=True)  # hazard: TL203 or TL202
        return (w * self.value(x)).sum(dim=1)


pool = Pool()
optimizer = torch.optim.SGD(pool.parameters(), lr=0.01)
for step in range(2):
    loss = pool(torch.randn(5, 7, 4)).pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
