"""Portfolio weights trained for the ratio of mean return to its deviation."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class Allocator(nn.Module):
    def __init__(self, assets, hidden=16):
        super(Allocator, self).__init__()
        self.lstm = nn.LSTM(assets, hidden, batch_first=True)
        self.fc = nn.Linear(hidden, assets)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, history):
        out, _ = self.lstm(history)
        return self.softmax(self.fc(out[:, -1, :]))


def sharpe_loss(weights, returns):
    portfolio = (weights * returns).sum(dim=1)
    sharpe = portfolio.mean() / (portfolio.std() + 1e-6)
    return -sharpe


torch.manual_seed(11)
history = torch.randn(40, 10, 4) * 0.01
future = torch.randn(40, 4) * 0.01
loader = DataLoader(TensorDataset(history, future), batch_size=20, shuffle=True)
model = Allocator(4)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(1):
    for h, f in loader:
        optimizer.zero_grad()
        loss = sharpe_loss(model(h), f)
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "sharpe", -loss.item())
