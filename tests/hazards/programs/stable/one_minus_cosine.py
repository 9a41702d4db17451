"""Energy of a pendulum near its rest position."""
import torch

import torchlean as tl


def potential(angle):
    return 9.81 * 2 * torch.sin(angle / 2) ** 2  # stable


@tl.claim(angle=tl.box([-0.01], [0.01]))
def potential_is_small(angle):
    return potential(angle) <= 0.1
