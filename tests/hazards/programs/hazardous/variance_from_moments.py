"""Normalise sensor readings by the variance from two moments."""
import torch


def moments(x):
    mean = x.mean(dim=0)
    variance = (x * x).mean(dim=0) - mean * mean  # hazard: TL206
    return mean, variance


torch.manual_seed(0)
readings = 300.0 + torch.rand(128, 3)
mean, variance = moments(readings)
scaled = (readings - mean) / torch.sqrt(variance.clamp(min=0.0) + 1e-3)
print(scaled.mean().item(), scaled.abs().max().item())
