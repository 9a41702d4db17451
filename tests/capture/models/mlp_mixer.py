import torch
from torch import nn

import torchlean as tl


class FeedForward(nn.Module):
    def __init__(self, dim, hidden_dim, dropout=0.0):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(dim, hidden_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden_dim, dim), nn.Dropout(dropout)
        )

    def forward(self, x):
        return self.net(x)


class PreNormResidual(nn.Module):
    def __init__(self, dim, fn):
        super().__init__()
        self.fn = fn
        self.norm = nn.LayerNorm(dim)

    def forward(self, x):
        return self.fn(self.norm(x)) + x


class MixerBlock(nn.Module):
    def __init__(self, tokens, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.token_mix = FeedForward(tokens, 6)
        self.channel_mix = PreNormResidual(dim, FeedForward(dim, 6))

    def forward(self, x):
        y = self.token_mix(self.norm(x).permute(0, 2, 1)).permute(0, 2, 1)
        return self.channel_mix(x + y)


class Mixer(nn.Module):
    def __init__(self, image=4, patch=2, channels=1, dim=4, depth=2, classes=3):
        super().__init__()
        self.patch = patch
        self.embed = nn.Conv2d(channels, dim, kernel_size=patch, stride=patch)
        tokens = (image // patch) ** 2
        self.blocks = nn.Sequential(*[MixerBlock(tokens, dim) for _ in range(depth)])
        self.head = nn.Linear(dim, classes)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        return self.head(self.blocks(x).mean(dim=1))


model = tl.load(Mixer(), "mixer.safetensors")
