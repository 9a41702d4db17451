"""Handwritten digits told apart by one linear layer: softmax regression. Trained by `train_linear.py`."""

from torch import nn

import torchlean as tl

net = tl.load(nn.Sequential(nn.Linear(64, 10)), "linear.safetensors")

safe = tl.robust(net, data="digits_test.npz", eps=0.02, norm="linf", clip=(0, 1))
