"""A convolutional network whose normalisation has hardly any epsilon."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.bn = nn.BatchNorm2d(4, eps=1e-30)  # hazard: TL217
        self.fc = nn.Linear(4 * 6 * 6, 2)

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        return self.fc(x.view(x.size(0), -1))


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for i in range(2):
    loss = F.cross_entropy(net(torch.rand(4, 1, 8, 8)), torch.randint(0, 2, (4,)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(i, loss.item())
