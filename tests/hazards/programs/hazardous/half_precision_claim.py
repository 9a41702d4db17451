"""Deploying a scaled sensor value as float16."""
import torch

import torchlean as tl


def packed(x):
    return (x * 1000.0).to(torch.float16)  # hazard: TL218


@tl.claim(x=tl.box([0.0, 0.0], [100.0, 100.0]))
def packed_is_bounded(x):
    return packed(x).float() <= 100001.0
