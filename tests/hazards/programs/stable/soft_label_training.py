"""Training with soft labels, mixup style."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.autograd import Variable
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser(description="mixup")
parser.add_argument("--lr", default=0.1, type=float, help="learning rate")
parser.add_argument("--alpha", default=1.0, type=float)
parser.add_argument("--epoch", default=1, type=int)
args = parser.parse_args()
use_cuda = torch.cuda.is_available()
NUM_CLASSES = 5

trainset = TensorDataset(torch.rand(24, 3, 8, 8), torch.randint(0, NUM_CLASSES, (24,)))
trainloader = DataLoader(trainset, batch_size=8, shuffle=True)


class Small(nn.Module):
    def __init__(self):
        super(Small, self).__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.AvgPool2d(8))
        self.classifier = nn.Linear(8, NUM_CLASSES)

    def forward(self, x):
        out = self.features(x)
        out = out.view(out.size(0), -1)
        return self.classifier(out)


def mix(x, y):
    lam = torch.distributions.Beta(args.alpha, args.alpha).sample().item()
    index = torch.randperm(x.size(0))
    one_hot = F.one_hot(y, NUM_CLASSES).float()
    return lam * x + (1 - lam) * x[index], lam * one_hot + (1 - lam) * one_hot[index]


net = Small()
if use_cuda:
    net.cuda()
optimizer = optim.SGD(net.parameters(), lr=args.lr, momentum=0.9, weight_decay=1e-4)

for epoch in range(args.epoch):
    net.train()
    train_loss = 0
    for batch_idx, (inputs, targets) in enumerate(trainloader):
        inputs, targets = mix(inputs, targets)
        outputs = net(Variable(inputs))
        loss = torch.mean(torch.sum(-targets * F.log_softmax(outputs, dim=1), dim=1))  # stable
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_loss += loss.item()
    print("epoch", epoch, "loss", train_loss / (batch_idx + 1))
