"""An example to play with. TorchLean reads this text and runs none of it: there is nothing to save or install first."""

import torch
from torch import nn

import torchlean as tl


class Controller(nn.Module):
    """Two numbers in, one force out."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Parameter(torch.tensor([[1.5, -0.5], [-1.0, 2.0], [0.5, 0.5]]))
        self.outer = nn.Parameter(torch.tensor([[1.0, -1.5, 0.5]]))

    def forward(self, x):
        hidden = torch.relu(x @ self.inner.T)  # hover here: the interval that each element can take
        return torch.tanh(hidden @ self.outer.T) * 3.0


controller = Controller()


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def stays_in_range(x):
    return (
        controller(x).abs() <= 3.0
    )  # proved: for every input of the box, not only for those that were tried


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def pushes_gently(x):
    return controller(x) <= 2.5  # refuted: the problems list has an input at which this fails


def loss(logits, target):
    return -(torch.log(torch.softmax(logits, -1)) * target).sum()  # where float32 breaks, with a quick fix
