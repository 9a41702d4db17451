"""Scale every feature of a batch to [0, 1]."""
import torch
from torch.utils.data import DataLoader, TensorDataset


def min_max(batch):
    low = batch.min(dim=0, keepdim=True)[0]
    high = batch.max(dim=0, keepdim=True)[0]
    return (batch - low) / (high - low).clamp(min=1e-6)  # stable


loader = DataLoader(TensorDataset(torch.rand(20, 4)), batch_size=5)
for (batch,) in loader:
    scaled = min_max(batch)
    print(scaled.mean().item())
