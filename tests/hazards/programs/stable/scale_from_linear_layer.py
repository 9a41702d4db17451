"""Deep latent Gaussian model; the encoder's last layer gives the standard deviation."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable

mb_size, Z_dim, X_dim, h_dim = 8, 2, 10, 12


def xavier_init(size):
    in_dim = size[0]
    xavier_stddev = 1.0 / (in_dim / 2.0) ** 0.5
    return Variable(torch.randn(*size) * xavier_stddev, requires_grad=True)


Wxh = xavier_init(size=[X_dim, h_dim])
bxh = Variable(torch.zeros(h_dim), requires_grad=True)
Whz_mu = xavier_init(size=[h_dim, Z_dim])
bhz_mu = Variable(torch.zeros(Z_dim), requires_grad=True)
Whz_std = xavier_init(size=[h_dim, Z_dim])
bhz_std = Variable(torch.ones(Z_dim), requires_grad=True)
Wzx = xavier_init(size=[Z_dim, X_dim])
bzx = Variable(torch.zeros(X_dim), requires_grad=True)


def Q(X):
    h = F.relu(X @ Wxh + bxh.repeat(X.size(0), 1))
    z_mu = h @ Whz_mu + bhz_mu.repeat(h.size(0), 1)
    z_std = F.softplus(h @ Whz_std + bhz_std.repeat(h.size(0), 1)) + 1e-3
    return z_mu, z_std


def sample_z(mu, std):
    eps = Variable(torch.randn(mu.size(0), Z_dim))
    return mu + std * eps


def P(z):
    return z @ Wzx + bzx.repeat(z.size(0), 1)


params = [Wxh, bxh, Whz_mu, bhz_mu, Whz_std, bhz_std, Wzx, bzx]
solver = torch.optim.Adam(params, lr=1e-3)

for it in range(3):
    X = Variable(torch.rand(mb_size, X_dim))
    z_mu, z_std = Q(X)
    X_sample = P(sample_z(z_mu, z_std))
    recon_loss = F.mse_loss(X_sample, X, reduction="sum") / mb_size
    kl_loss = torch.mean(0.5 * torch.sum(z_std ** 2 + z_mu ** 2 - 1.0 - torch.log(z_std ** 2), 1))  # stable
    loss = recon_loss + kl_loss
    loss.backward()
    solver.step()
    for p in params:
        if p.grad is not None:
            p.grad = Variable(p.grad.data.new().resize_as_(p.grad.data).zero_())
    print("Iter-{}; Loss: {:.4}".format(it, loss.data.item()))
