"""Patches are normalised one by one inside the data set."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Patches(Dataset):
    def __init__(self, n, train=True):
        self.patches = torch.rand(n, 1, 6, 6)
        self.labels = torch.randint(0, 3, (n,))
        self.train = train

    def __len__(self):
        return self.patches.shape[0]

    def __getitem__(self, i):
        patch = self.patches[i]
        patch = (patch - patch.mean()) / (patch.std() + 1e-5)
        return patch, self.labels[i]


class ConvNet(nn.Module):
    def __init__(self):
        super(ConvNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 4, kernel_size=3)
        self.conv2 = nn.Conv2d(4, 8, kernel_size=3)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.adaptive_avg_pool2d(F.relu(F.pad(self.conv2(F.pad(x, (1, 1, 1, 1))), (0, 0))), 1)
        return F.log_softmax(self.fc(x.flatten(1)), dim=1)


net = ConvNet()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.5)
for epoch in range(1):
    for batch_idx, (x, y) in enumerate(DataLoader(Patches(16), batch_size=4, shuffle=True)):
        optimizer.zero_grad()
        loss = F.nll_loss(net(x), y)
        loss.backward()
        optimizer.step()
    print("epoch", epoch, "loss", loss.item())
