"""Time stamps in nanoseconds, counted from a start, as features."""
import torch

START = 1_700_000_000_000_000_000
stamps = START + torch.arange(0, 5) * 1_000_000


def features(stamps):
    t = (stamps - START) // 1_000_000
    return t.to(torch.float32)


print(features(stamps))
