"""Mixture density network for an inverse problem."""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
np.random.seed(0)

n_samples = 64
epsilon = torch.randn(n_samples, 1)
x_data = torch.rand(n_samples, 1) * 20 - 10
y_data = 7 * torch.sin(0.75 * x_data) + 0.5 * x_data + epsilon
loader = DataLoader(TensorDataset(y_data, x_data), batch_size=32, shuffle=True)

ONE_OVER_SQRT_2PI = 1.0 / math.sqrt(2.0 * math.pi)


class MDN(nn.Module):
    def __init__(self, n_hidden, n_gaussians):
        super().__init__()
        self.z_h = nn.Sequential(nn.Linear(1, n_hidden), nn.Tanh())
        self.z_pi = nn.Linear(n_hidden, n_gaussians)
        self.z_mu = nn.Linear(n_hidden, n_gaussians)
        self.z_sigma = nn.Linear(n_hidden, n_gaussians)

    def forward(self, x):
        z_h = self.z_h(x)
        pi = F.softmax(self.z_pi(z_h), -1)
        mu = self.z_mu(z_h)
        sigma = F.softplus(self.z_sigma(z_h)) + 0.05
        return pi, mu, sigma


def gaussian_distribution(y, mu, sigma):
    result = (y.expand_as(mu) - mu) / sigma
    result = -0.5 * (result * result)
    return (torch.exp(result) / sigma) * ONE_OVER_SQRT_2PI


def mdn_loss_fn(pi, sigma, mu, y):
    result = gaussian_distribution(y, mu, sigma) * pi
    result = torch.sum(result, dim=1)
    result = -torch.log(result)  # hazard: TL205
    return torch.mean(result)


network = MDN(n_hidden=20, n_gaussians=5)
optimizer = torch.optim.Adam(network.parameters())

for epoch in range(2):
    for x, y in loader:
        pi, mu, sigma = network(x)
        loss = mdn_loss_fn(pi, sigma, mu, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
