"""Time stamps in nanoseconds, counted from a start, as features."""
import torch

START = 1_700_000_000_000_000_000
stamps = START + torch.arange(0, 5) * 1_000_000


def features(stamps):
    t = stamps.to(torch.float32)  # hazard: TL214
    return t - t[0]


print(features(stamps))
