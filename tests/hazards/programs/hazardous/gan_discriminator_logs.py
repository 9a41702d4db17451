"""A toy GAN with the original losses."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.autograd import Variable

parser = argparse.ArgumentParser()
parser.add_argument("--z-dim", type=int, default=4)
parser.add_argument("--h-dim", type=int, default=8)
parser.add_argument("--x-dim", type=int, default=6)
parser.add_argument("--mb-size", type=int, default=16)
parser.add_argument("--iterations", type=int, default=3)
parser.add_argument("--cuda", action="store_true")
opt = parser.parse_args()

G = nn.Sequential(nn.Linear(opt.z_dim, opt.h_dim), nn.ReLU(), nn.Linear(opt.h_dim, opt.x_dim), nn.Sigmoid())
D = nn.Sequential(nn.Linear(opt.x_dim, opt.h_dim), nn.ReLU(), nn.Linear(opt.h_dim, 1), nn.Sigmoid())

G_solver = optim.Adam(G.parameters(), lr=1e-3)
D_solver = optim.Adam(D.parameters(), lr=1e-3)


def reset_grad():
    G.zero_grad()
    D.zero_grad()


for it in range(opt.iterations):
    z = Variable(torch.randn(opt.mb_size, opt.z_dim))
    X = Variable(torch.rand(opt.mb_size, opt.x_dim))

    G_sample = G(z)
    D_real = D(X)
    D_fake = D(G_sample)
    D_loss = -torch.mean(torch.log(D_real) + torch.log(1 - D_fake))  # hazard: TL212
    D_loss.backward()
    D_solver.step()
    reset_grad()

    z = Variable(torch.randn(opt.mb_size, opt.z_dim))
    G_sample = G(z)
    D_fake = D(G_sample)
    G_loss = -torch.mean(torch.log(D_fake))  # hazard: TL212
    G_loss.backward()
    G_solver.step()
    reset_grad()
    print("iter {}: D {:.3f} G {:.3f}".format(it, D_loss.item(), G_loss.item()))
