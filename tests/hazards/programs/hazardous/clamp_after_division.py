"""Importance weights of off-policy samples, limited after the division."""
import torch

torch.manual_seed(0)


def importance(target, behaviour):
    ratio = torch.clamp(target / behaviour, max=10.0)  # hazard: TL213 or TL203 or TL202
    return ratio


behaviour = torch.rand(64)
target = torch.rand(64)
weights = importance(target, behaviour)
print(weights.mean().item())
