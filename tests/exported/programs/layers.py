"""Small modules, each called once: what `torch.export` makes of the functions and layers that people use."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.group = nn.GroupNorm(2, 4)
        self.up = nn.ConvTranspose2d(4, 2, 2)

    def forward(self, x):
        x = F.leaky_relu(self.norm(self.conv(x)), 0.1)
        x = F.max_pool2d(self.group(x), 2) + F.avg_pool2d(x, 2) + F.adaptive_avg_pool2d(x, 2)
        return F.interpolate(self.up(x), scale_factor=2, mode="nearest").flatten(1)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(10, 6)
        self.norm = nn.LayerNorm(6)
        self.project = nn.Linear(6, 18)
        self.drop = nn.Dropout(0.1)
        self.register_buffer("mask", torch.tril(torch.ones(5, 5, dtype=torch.bool)))

    def forward(self, tokens):
        x = self.norm(self.words(tokens))
        q, k, v = self.project(x).view(2, 5, 3, 2, 3).permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-2, -1)) / math.sqrt(3)
        weights = self.drop(scores.masked_fill(~self.mask, float("-inf")).softmax(-1))
        y = (weights @ v).transpose(1, 2).reshape(2, 5, 6)
        return F.gelu(y + F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)
        self.gru = nn.GRU(8, 5)
        self.cell = nn.LSTMCell(5, 2)

    def forward(self, x):
        x, _ = self.lstm(x)
        x, state = self.gru(x)
        h, c = self.cell(state[0])
        return h * c


class InPlace(nn.Module):
    def forward(self, x):
        y = x.clone()
        y[:, 0] += 1
        y[:, 1:3] *= 2
        y.clamp_(-1.0, 3.0)
        with torch.no_grad():
            z = y * 2
        return z.unsqueeze(0), {"norm": torch.linalg.vector_norm(z, dim=-1), "top": z.topk(2)[0]}


class Elementwise(nn.Module):
    def forward(self, a, b):
        c = torch.where(a > b, a, b.exp()) ** 2 + (1 - a).abs().sqrt() - 2 / (b.square() + 1)
        d = torch.stack([c, a.sin() * b.cos(), F.softplus(a), F.elu(b), F.hardswish(a), torch.atan2(a, b)])
        e = torch.cat([d.amax(0), d.mean(0), d.var(0), d.logsumexp(0), d.prod(0)], -1)
        return torch.einsum("ij,kj->ik", e, e).cumsum(-1), d.argmax(0), d.sort(0, descending=True)[0]


class Losses(nn.Module):
    def forward(self, x, target):
        labels = target.argmax(-1)
        return (
            F.cross_entropy(x, labels) + F.mse_loss(x, target) + F.smooth_l1_loss(x, target, reduction="sum")
        )


class Batch(nn.Module):
    """In training mode: the batch's own statistics."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

    def forward(self, x):
        return self.norm(x.double().float())


torch.manual_seed(1)
convolutional, encoder, recurrent = Convolutional().eval(), Encoder().eval(), Recurrent().eval()
in_place, elementwise, losses, batch = InPlace(), Elementwise(), Losses(), Batch()
convolutional(torch.zeros(1, 3, 8, 8))
encoder(torch.zeros(2, 5, dtype=torch.int64))
recurrent(torch.zeros(2, 3, 3))
in_place(torch.zeros(2, 4))
elementwise(torch.zeros(3, 4), torch.zeros(3, 4))
losses(torch.zeros(2, 3), torch.zeros(2, 3))
batch(torch.zeros(4, 3))
