"""Mean over the valid time steps of padded sequences."""
import torch
import torch.nn as nn


class Pooled(nn.Module):
    def __init__(self, features, classes):
        super().__init__()
        self.gru = nn.Linear(features, 8)
        self.head = nn.Linear(8, classes)

    def forward(self, x, mask):
        h = torch.tanh(self.gru(x)) * mask.unsqueeze(-1)
        pooled = h.sum(dim=1) / mask.sum(dim=1, keepdim=True).clamp(min=1.0)  # stable
        return self.head(pooled)


model = Pooled(3, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
loss_fn = nn.CrossEntropyLoss()
for step in range(3):
    x = torch.randn(4, 6, 3)
    mask = (torch.rand(4, 6) > 0.2).float()
    y = torch.randint(0, 2, (4,))
    loss = loss_fn(model(x, mask), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
