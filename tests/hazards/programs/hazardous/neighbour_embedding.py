"""Stochastic neighbour embedding: gradient descent on positions, with its own divergence."""
import argparse

import torch
from torch.autograd import Variable

parser = argparse.ArgumentParser()
parser.add_argument("--points", type=int, default=12)
parser.add_argument("--rate", type=float, default=10.0)
parser.add_argument("--iterations", type=int, default=3)
opt = parser.parse_args()

torch.manual_seed(3)
X = torch.rand(opt.points, 5)
position = Variable(torch.randn(opt.points, 2) * 1e-2, requires_grad=True)


def squared_distances(points):
    difference = points.unsqueeze(0) - points.unsqueeze(1)
    return (difference * difference).sum(2)


def affinities(points, width=0.1):
    p = torch.exp(-squared_distances(points) / (2 * width ** 2))
    p = p * (1 - torch.eye(points.size(0)))
    p = p / p.sum().clamp(min=1e-12)
    return (p + p.t()) / 2


def divergence(p, y):
    num = 1. / (1. + squared_distances(y))
    num = num * (1 - torch.eye(y.size(0)))
    q = (num / num.sum().clamp(min=1e-12)).clamp(min=1e-12)
    return (p * (torch.log(p) - torch.log(q))).sum()  # hazard: TL205 or TL202


P = affinities(X)
update = torch.zeros(opt.points, 2)
for i in range(opt.iterations):
    loss = divergence(P, position)
    loss.backward()
    update = 0.5 * update - opt.rate * position.grad.data
    position.data.add_(update)
    position.grad.data.zero_()
    if i % 1 == 0:
        print("iteration %d divergence %f" % (i, loss.data))
