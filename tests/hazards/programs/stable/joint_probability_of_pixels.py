"""Bernoulli mixture: the joint probability of all pixels of an image."""
import torch
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
K, PIXELS = 3, 784
means = torch.rand(K, PIXELS) * 0.8 + 0.1
weights = torch.full((K,), 1.0 / K)
images = (torch.rand(6, PIXELS) > 0.5).float()


def component_scores(x):
    factors = x * torch.log(means) + (1 - x) * torch.log(1 - means)
    return factors.sum(dim=-1)  # stable


for (batch,) in DataLoader(TensorDataset(images), batch_size=1):
    joint = component_scores(batch)
    print((weights * joint).sum().item())
