"""A two-layer classifier in the style of torch 0.3, with its own binary cross entropy."""
from __future__ import print_function

import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable

parser = argparse.ArgumentParser()
parser.add_argument('--hidden', type=int, default=12)
parser.add_argument('--lr', type=float, default=1e-2)
parser.add_argument('--momentum', type=float, default=0.9)
parser.add_argument('--steps', type=int, default=3)
parser.add_argument('--no-cuda', action='store_true', default=False)
args = parser.parse_args()
args.cuda = not args.no_cuda and torch.cuda.is_available()

torch.manual_seed(1)
np.random.seed(1)
features = np.random.uniform(-1, 1, (40, 5)).astype('float32')
labels = (features.sum(axis=1) > 0).astype('float32')


class MLP(nn.Module):
    def __init__(self, n_in, n_hidden):
        super(MLP, self).__init__()
        self.l1 = nn.Linear(n_in, n_hidden)
        self.l2 = nn.Linear(n_hidden, 1)

    def forward(self, x):
        x = F.tanh(self.l1(x))
        return self.l2(x).squeeze(1)


def criterion(output, target):
    positive = target * F.logsigmoid(output)  # stable
    negative = (1 - target) * F.logsigmoid(-output)  # stable
    return -torch.mean(positive + negative)


model = MLP(5, args.hidden)
if args.cuda:
    model.cuda()
velocity = [p.data.clone().zero_() for p in model.parameters()]

for step in range(args.steps):
    order = np.random.permutation(len(labels))[:16]
    data = Variable(torch.from_numpy(features[order]))
    target = Variable(torch.from_numpy(labels[order]))
    if args.cuda:
        data, target = data.cuda(), target.cuda()
    model.zero_grad()
    output = model(data)
    loss = criterion(output, target)
    loss.backward()
    for p, v in zip(model.parameters(), velocity):
        v.mul_(args.momentum).add_(p.grad.data)
        p.data.add_(v * -args.lr)
    pred = (output.data > 0).float()
    correct = pred.eq(target.data).sum()
    print('step {} loss {:.4f} correct {}/{}'.format(step, loss.item(), int(correct), len(order)))
