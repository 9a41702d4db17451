"""Face embedding with a triplet loss."""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.autograd import Variable
from torch.utils.data import DataLoader, Dataset


class Triplets(Dataset):
    """Anchor, positive, negative."""

    def __init__(self, n):
        self.n = n
        self.images = torch.rand(n, 3, 8, 8)

    def __len__(self):
        return self.n

    def __getitem__(self, index):
        return self.images[index], self.images[(index + 1) % self.n], self.images[(index + 2) % self.n]


class EmbeddingNet(nn.Module):
    def __init__(self):
        super(EmbeddingNet, self).__init__()
        self.convnet = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.PReLU(), nn.MaxPool2d(2, stride=2))
        self.fc = nn.Sequential(nn.Linear(4 * 3 * 3, 16), nn.PReLU(), nn.Linear(16, 2))

    def forward(self, x):
        output = self.convnet(x)
        output = output.view(output.size()[0], -1)
        return self.fc(output)


class TripletLoss(nn.Module):
    def __init__(self, margin):
        super(TripletLoss, self).__init__()
        self.margin = margin

    def distance(self, a, b):
        return (a - b).pow(2).sum(1).sqrt()  # hazard: TL219

    def forward(self, anchor, positive, negative):
        losses = F.relu(self.distance(anchor, positive) - self.distance(anchor, negative) + self.margin)
        return losses.mean()


loader = DataLoader(Triplets(12), batch_size=4, shuffle=True)
model = EmbeddingNet()
loss_fn = TripletLoss(1.0)
optimizer = optim.Adam(model.parameters(), lr=1e-3)
scheduler = optim.lr_scheduler.StepLR(optimizer, 8, gamma=0.1)

for epoch in range(1):
    losses = []
    for anchor, positive, negative in loader:
        anchor, positive, negative = Variable(anchor), Variable(positive), Variable(negative)
        optimizer.zero_grad()
        loss = loss_fn(model(anchor), model(positive), model(negative))
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    print("epoch", epoch, sum(losses) / len(losses))
