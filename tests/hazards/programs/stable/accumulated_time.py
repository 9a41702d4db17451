"""A simulation clock that adds small steps to a large time."""
import torch


def advance(clock, dt):
    return clock + dt  # stable


clock = torch.tensor(16777216.0, dtype=torch.float64)
dt = torch.tensor(0.25)
for step in range(4):
    clock = advance(clock, dt)
print("elapsed", (clock - 16777216.0).item())
