"""A polynomial feature over a stated range."""
import torch

import torchlean as tl


def feature(x):
    return x ** 12  # hazard: TL201


@tl.claim(x=tl.box([0.0], [2000.0]))
def feature_is_finite(x):
    return feature(x) >= 0
