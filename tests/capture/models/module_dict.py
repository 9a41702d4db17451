import torch
from torch import nn

import torchlean as tl


class MultiTask(nn.Module):
    tasks = {"speed": 1, "angle": 2}

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(3, 6)
        self.activations = nn.ModuleDict([["lrelu", nn.LeakyReLU()], ["prelu", nn.PReLU()]])
        self.heads = nn.ModuleDict({name: nn.Linear(6, size) for name, size in MultiTask.tasks.items()})

    def forward(self, x, act="prelu"):
        h = self.activations[act](self.body(x))
        return {name: head(h) for name, head in self.heads.items()}


model = tl.load(MultiTask(), "multitask.pt")
