"""Wasserstein GAN with gradient penalty on toy data."""
import argparse

import torch
import torch.nn as nn
from torch import autograd, optim

parser = argparse.ArgumentParser()
parser.add_argument("--n_critic", type=int, default=2)
parser.add_argument("--lambda_gp", type=float, default=10.0)
parser.add_argument("--iterations", type=int, default=2)
parser.add_argument("--batch", type=int, default=8)
opt = parser.parse_args()

critic = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
generator = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer_d = optim.Adam(critic.parameters(), lr=1e-4, betas=(0.5, 0.9))
optimizer_g = optim.Adam(generator.parameters(), lr=1e-4, betas=(0.5, 0.9))


def compute_gradient_penalty(real, fake):
    alpha = torch.rand(real.size(0), 1)
    interpolates = (alpha * real + (1 - alpha) * fake).requires_grad_(True)
    d_interpolates = critic(interpolates)
    gradients = autograd.grad(
        outputs=d_interpolates,
        inputs=interpolates,
        grad_outputs=torch.ones_like(d_interpolates),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    lengths = torch.sqrt(torch.sum(gradients ** 2, dim=1))  # hazard: TL219
    return ((lengths - 1) ** 2).mean()


for iteration in range(opt.iterations):
    for _ in range(opt.n_critic):
        real = torch.randn(opt.batch, 2)
        fake = generator(torch.randn(opt.batch, 3)).detach()
        optimizer_d.zero_grad()
        penalty = compute_gradient_penalty(real, fake)
        d_loss = critic(fake).mean() - critic(real).mean() + opt.lambda_gp * penalty
        d_loss.backward()
        optimizer_d.step()
    optimizer_g.zero_grad()
    g_loss = -critic(generator(torch.randn(opt.batch, 3))).mean()
    g_loss.backward()
    optimizer_g.step()
    print(iteration, d_loss.item(), g_loss.item())
