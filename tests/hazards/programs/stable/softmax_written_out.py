"""Softmax regression on random digits, the probabilities written out."""
import argparse

import torch
from torch.autograd import Variable
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser(description="softmax regression")
parser.add_argument("--batch-size", type=int, default=8)
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()

torch.manual_seed(0)
images = torch.rand(32, 1, 4, 4)
labels = torch.randint(0, 3, (32,))
loader = DataLoader(TensorDataset(images, labels), batch_size=args.batch_size, shuffle=True)

W = Variable(torch.randn(16, 3) * 0.1, requires_grad=True)
b = Variable(torch.zeros(3), requires_grad=True)


def predict(x):
    scores = x.view(-1, 16).mm(W) + b
    e = torch.exp(scores - scores.max(dim=1, keepdim=True)[0])  # stable
    return e / e.sum(dim=1, keepdim=True)


for epoch in range(args.epochs):
    for x, y in loader:
        x, y = Variable(x), Variable(y)
        one_hot = torch.zeros(x.size(0), 3).scatter_(1, y.view(-1, 1), 1.0)
        loss = ((predict(x) - one_hot) ** 2).mean()
        loss.backward()
        W.data -= args.lr * W.grad.data
        b.data -= args.lr * b.grad.data
        W.grad.data.zero_()
        b.grad.data.zero_()
    print("epoch", epoch, "loss", loss.item())
