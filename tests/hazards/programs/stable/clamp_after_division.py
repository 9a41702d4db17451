"""Importance weights of off-policy samples, limited after the division."""
import torch

torch.manual_seed(0)


def importance(target, behaviour):
    ratio = target / behaviour.clamp(min=0.01)  # stable
    return ratio


behaviour = torch.rand(64)
target = torch.rand(64)
weights = importance(target, behaviour)
print(weights.mean().item())
