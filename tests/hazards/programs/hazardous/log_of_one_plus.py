"""Log returns of small price changes."""
import torch

torch.manual_seed(0)
prices = torch.rand(50) * 0.0001


def log_return(change):
    return torch.log(1 + change)  # hazard: TL206


print(log_return(prices).sum().item())
