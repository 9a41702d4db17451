"""Gumbel-softmax sampling in a categorical autoencoder."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable


def sample_gumbel(shape):
    U = torch.rand(shape).clamp(1e-6, 1 - 1e-6)
    return -torch.log(-torch.log(U))


def gumbel_softmax(logits, temperature):
    y = logits + Variable(sample_gumbel(logits.size()))
    return F.softmax(y / temperature, dim=-1)


encoder = nn.Linear(8, 5)
decoder = nn.Linear(5, 8)
params = list(encoder.parameters()) + list(decoder.parameters())
optimizer = torch.optim.Adam(params, lr=1e-3)

for step in range(3):
    data = Variable(torch.rand(16, 8))
    code = gumbel_softmax(encoder(data), 0.5)
    loss = F.mse_loss(decoder(code), data)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.data.item())
