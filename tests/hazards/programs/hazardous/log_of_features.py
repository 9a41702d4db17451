"""Log-transform of skewed features before a regression."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class LogFeatures(torch.utils.data.Dataset):
    def __init__(self, values, targets):
        self.values = values
        self.targets = targets

    def __len__(self):
        return self.values.size(0)

    def __getitem__(self, i):
        return self.values[i], self.targets[i]


torch.manual_seed(0)
raw = torch.relu(torch.randn(30, 4))
features = torch.log(raw)  # hazard: TL205
features = torch.where(torch.isinf(features), torch.zeros_like(features), features)
data = LogFeatures(features, torch.randn(30, 1))
model = nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for x, y in DataLoader(data, batch_size=10):
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
