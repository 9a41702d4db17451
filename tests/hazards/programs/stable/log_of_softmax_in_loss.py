"""A small classifier whose cross entropy is written by hand."""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.fc1 = nn.Linear(10, 16)
        self.fc2 = nn.Linear(16, 4)

    def forward(self, x):
        x = F.relu(self.fc1(x))
        return self.fc2(x)


def cross_entropy(logits, target):
    picked = F.log_softmax(logits, dim=1)  # stable
    return -picked.gather(1, target.unsqueeze(1)).mean()


torch.manual_seed(1)
data = TensorDataset(torch.randn(64, 10), torch.randint(0, 4, (64,)))
train_loader = DataLoader(data, batch_size=16, shuffle=True)
net = Net()
optimizer = optim.SGD(net.parameters(), lr=0.05, momentum=0.9)

for epoch in range(2):
    running = 0.0
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        logits = net(inputs)
        loss = cross_entropy(logits, targets)
        loss.backward()
        optimizer.step()
        running += loss.item()
    print("epoch %d: %.4f" % (epoch, running / len(train_loader)))
