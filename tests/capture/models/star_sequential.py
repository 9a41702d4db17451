import torch
from torch import nn

import torchlean as tl


class MLP(nn.Module):
    def __init__(self, sizes, activation=nn.ReLU, output_activation=nn.Identity):
        super().__init__()
        layers = []
        for j in range(len(sizes) - 1):
            act = activation if j < len(sizes) - 2 else output_activation
            layers += [nn.Linear(sizes[j], sizes[j + 1]), act()]
        self.net = nn.Sequential(*layers)

    def forward(self, obs):
        return torch.squeeze(self.net(obs), -1)


model = tl.load(MLP([3] + [16] * 2 + [1], activation=nn.SiLU), "q.pth")
