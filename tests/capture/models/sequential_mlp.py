from collections import OrderedDict

import torch
from torch import nn

import torchlean as tl

HIDDEN = [8, 8]


def build(inputs: int, outputs: int, hidden=HIDDEN) -> nn.Sequential:
    layers = OrderedDict()
    size = inputs
    for i, width in enumerate(hidden):
        layers[f"linear{i}"] = nn.Linear(size, width)
        layers[f"act{i}"] = nn.Tanh()
        size = width
    layers["head"] = nn.Linear(size, outputs)
    return nn.Sequential(layers)


model = tl.load(build(3, 2), "mlp.pt")
