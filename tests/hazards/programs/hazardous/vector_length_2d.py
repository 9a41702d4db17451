"""Distance of far points from the origin."""
import torch

import torchlean as tl


def length(x, y):
    return torch.sqrt(x * x + y * y)  # hazard: TL219 or TL201


@tl.claim(p=tl.box([-1e25, -1e25], [1e25, 1e25]))
def length_is_finite(p):
    return length(p[0], p[1]) <= 1e26
