"""Negative log probability that a match is no match."""
import torch

torch.manual_seed(0)


def no_match(p):
    return -torch.log(1.0 + 1e-9 - p)  # hazard: TL216 or TL205


similarity = torch.rand(16, 16)
probability = (similarity + similarity.t()) / 2
print(no_match(probability).mean().item())
