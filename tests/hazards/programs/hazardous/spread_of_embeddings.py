"""Embeddings that are kept from collapsing: the root of the variance has no gradient where all rows are equal."""

import torch
import torch.nn.functional as F
from torch import nn

encoder = nn.Linear(16, 8)
optimiser = torch.optim.Adam(encoder.parameters())
for _ in range(100):
    images = torch.rand(32, 16)
    first, second = encoder(images), encoder(images.flip(1))
    deviation = torch.sqrt(first.var(dim=0))  # hazard: TL219
    distance = F.mse_loss(first, second)
    loss = F.relu(1 - deviation).mean() + distance
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
