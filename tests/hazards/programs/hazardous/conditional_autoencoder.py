"""Conditional variational autoencoder on random digits, in old style with its losses written out."""
from __future__ import print_function

import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.utils.data
from torch import optim
from torch.autograd import Variable

parser = argparse.ArgumentParser(description="CVAE")
parser.add_argument("--batch-size", type=int, default=16, metavar="N", help="input batch size")
parser.add_argument("--epochs", type=int, default=1, metavar="N", help="number of epochs")
parser.add_argument("--latent", type=int, default=4)
parser.add_argument("--hidden", type=int, default=20)
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--no-cuda", action="store_true", default=False)
parser.add_argument("--seed", type=int, default=1)
args = parser.parse_args()
args.cuda = not args.no_cuda and torch.cuda.is_available()

torch.manual_seed(args.seed)
N_CLASSES = 10
PIXELS = 36

images = torch.rand(64, PIXELS)
labels = torch.LongTensor(64).random_(0, N_CLASSES)
dataset = torch.utils.data.TensorDataset(images, labels)
train_loader = torch.utils.data.DataLoader(dataset, batch_size=args.batch_size, shuffle=True)


def one_hot(y):
    out = torch.zeros(y.size(0), N_CLASSES)
    out.scatter_(1, y.view(-1, 1), 1)
    return Variable(out)


class CVAE(nn.Module):
    def __init__(self, n_in, n_hidden, n_latent):
        super(CVAE, self).__init__()
        self.enc = nn.Linear(n_in + N_CLASSES, n_hidden)
        self.mu = nn.Linear(n_hidden, n_latent)
        self.logvar = nn.Linear(n_hidden, n_latent)
        self.dec1 = nn.Linear(n_latent + N_CLASSES, n_hidden)
        self.dec2 = nn.Linear(n_hidden, n_in)

    def encode(self, x, c):
        h = F.relu(self.enc(torch.cat([x, c], 1)))
        return self.mu(h), self.logvar(h).clamp(-8, 8)

    def sample(self, mu, logvar):
        eps = Variable(torch.randn(mu.size()))
        return mu + torch.exp(logvar / 2) * eps

    def decode(self, z, c):
        h = F.relu(self.dec1(torch.cat([z, c], 1)))
        return F.sigmoid(self.dec2(h))

    def forward(self, x, c):
        mu, logvar = self.encode(x, c)
        z = self.sample(mu, logvar)
        return self.decode(z, c), mu, logvar


def loss_function(recon, x, mu, logvar):
    bce = -torch.sum(x * torch.log(recon) + (1 - x) * torch.log(1 - recon))  # hazard: TL212 or TL205
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


model = CVAE(PIXELS, args.hidden, args.latent)
optimizer = optim.Adam(model.parameters(), lr=args.lr)

for epoch in range(1, args.epochs + 1):
    total = 0.0
    for i, (x, y) in enumerate(train_loader):
        x = Variable(x)
        c = one_hot(y)
        recon, mu, logvar = model(x, c)
        loss = loss_function(recon, x, mu, logvar)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.data.item()
    print("Epoch %d loss %.4f" % (epoch, total / len(dataset)))
