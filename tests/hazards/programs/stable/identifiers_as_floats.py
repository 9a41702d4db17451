"""User identifiers pass through a float tensor on their way to a table."""
import torch
from torch.utils.data import DataLoader, TensorDataset

users = torch.randint(0, 2**31 - 1, (40,))
clicks = torch.rand(40)


def columns(ids, values):
    as_float = ids.double()  # stable
    return torch.stack([as_float, values.to(as_float.dtype)], dim=1)


for ids, values in DataLoader(TensorDataset(users, clicks), batch_size=20):
    table = columns(ids, values)
    print(table.shape, table[:, 1].mean().item())
