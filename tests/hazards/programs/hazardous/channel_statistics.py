"""Mean and standard deviation of a data set's channels in one pass, then a network on normalised pictures."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Thermal(Dataset):
    """Pictures of a camera that counts from a high offset."""

    def __init__(self, n):
        self.pictures = torch.rand(n, 2, 8, 8) + 3000.0
        self.labels = torch.randint(0, 2, (n,))

    def __getitem__(self, index):
        return self.pictures[index], self.labels[index]

    def __len__(self):
        return self.pictures.size(0)


def deviation(mean_square, mean):
    return torch.sqrt(mean_square - mean ** 2)  # hazard: TL206 or TL204


loader = DataLoader(Thermal(24), batch_size=6, shuffle=True)
first, second, count = torch.zeros(2), torch.zeros(2), 0
for pictures, _ in loader:
    first += pictures.mean(dim=(0, 2, 3))
    second += (pictures ** 2).mean(dim=(0, 2, 3))
    count += 1
mean = first / count
std = deviation(second / count, mean)
print('mean', mean.tolist(), 'std', std.tolist())

net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()
for epoch in range(1):
    for pictures, labels in loader:
        pictures = pictures - mean.view(1, 2, 1, 1)
        optimizer.zero_grad()
        loss = loss_fn(net(pictures), labels)
        loss.backward()
        optimizer.step()
    print('epoch', epoch, 'loss', loss.item())
