"""Regression with Adam's update written out."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--beta1", type=float, default=0.9)
parser.add_argument("--beta2", type=float, default=0.999)
parser.add_argument("--lr", type=float, default=1e-3)
opt = parser.parse_args()

torch.manual_seed(0)
loader = DataLoader(TensorDataset(torch.randn(24, 6), torch.rand(24, 1)), batch_size=8, shuffle=True)
net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
first = [torch.zeros_like(p) for p in net.parameters()]
second = [torch.zeros_like(p) for p in net.parameters()]
t = 0
for x, y in loader:
    x, y = Variable(x), Variable(y)
    loss = F.mse_loss(net(x), y)
    net.zero_grad()
    loss.backward()
    t += 1
    for p, m, v in zip(net.parameters(), first, second):
        grad = p.grad.data
        m.mul_(opt.beta1).add_(grad, alpha=1 - opt.beta1)
        v.mul_(opt.beta2).addcmul_(grad, grad, value=1 - opt.beta2)
        m_hat = m / (1 - opt.beta1 ** t)
        v_hat = v / (1 - opt.beta2 ** t)
        p.data -= opt.lr * m_hat / v_hat.sqrt()  # hazard: TL203 or TL202
    print(t, loss.data.item())
