"""Relative growth over short times."""
import torch

import torchlean as tl


def growth(rate):
    return torch.expm1(rate)  # stable


@tl.claim(rate=tl.box([-0.001], [0.001]))
def growth_is_small(rate):
    return growth(rate).abs() <= 0.01
