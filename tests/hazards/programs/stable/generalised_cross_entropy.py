"""Training with noisy labels: a focal term with an exponent below one."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(12, 32)
        self.fc2 = nn.Linear(32, 5)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


def focal(logits, labels, gamma=0.5):
    log_p = F.log_softmax(logits, dim=1).gather(1, labels.unsqueeze(1)).squeeze(1)
    p = log_p.exp()
    return -((1 - p + 1e-6) ** gamma * log_p).mean()  # stable


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for step in range(5):
    x = torch.randn(16, 12)
    y = torch.randint(0, 5, (16,))
    loss = focal(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
