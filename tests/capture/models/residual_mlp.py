from dataclasses import dataclass

import torch
from torch import nn

import torchlean as tl


@dataclass
class Config:
    features: int = 4
    width: int = 8
    depth: int = 3
    residual_scale: float = 0.5


class ResidualMLP(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.stem = nn.Linear(config.features, config.width)
        self.blocks = nn.ModuleList()
        for _ in range(config.depth):
            self.blocks.append(nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, config.width), nn.ELU()))
        self.head = nn.Linear(config.width, 1)

    def forward(self, x):
        x = self.stem(x)
        for i, block in enumerate(self.blocks):
            x = x + self.config.residual_scale * block(x)
            if i == len(self.blocks) - 1:
                x = x.clamp(-3, 3)
        return self.head(x)


model = tl.load(ResidualMLP(Config(depth=2)), "residual.pt")
