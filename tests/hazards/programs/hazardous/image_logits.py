"""Data preparation of a flow: pixels to unbounded values by the logit."""
import torch
from torch.utils.data import DataLoader, TensorDataset


def to_logit(x):
    return torch.log(x / (1 - x))  # hazard: TL203 or TL205


pixels = torch.rand(16, 3, 4, 4)
loader = DataLoader(TensorDataset(pixels), batch_size=4)
total = 0.0
for (batch,) in loader:
    z = to_logit(batch)
    total += (z ** 2).mean().item()
print("mean square", total / len(loader))
