"""A classifier with the usual parts, for the tests that break it character by character."""

import math
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn

import torchlean as tl

SIZES = [4, 8, 8]


class Block(nn.Module):
    def __init__(self, n: int, m: int, *, act: str = "relu", **options):
        super().__init__()
        self.fc = nn.Linear(n, m)
        self.norm = nn.LayerNorm(m) if options.get("norm") else nn.Identity()
        self.act = {"relu": F.relu, "tanh": torch.tanh}[act]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.act(self.norm(self.fc(x)))
        return h + x if h.shape == x.shape else h


class Net(nn.Module):
    def __init__(self, sizes=SIZES, classes=3):
        super().__init__()
        pairs = zip(sizes[:-1], sizes[1:])
        self.blocks = nn.ModuleList([Block(a, b, norm=i > 0) for i, (a, b) in enumerate(pairs)])
        self.head = nn.Sequential(OrderedDict(drop=nn.Dropout(0.1), out=nn.Linear(sizes[-1], classes)))
        self.scale = nn.Parameter(torch.ones(classes) / math.sqrt(classes))
        self.register_buffer("offset", torch.zeros(1))

    def forward(self, x):
        for i, block in enumerate(self.blocks):
            x = block(x)
            if self.training and i == 0:
                x = x * 1.0
        out = self.head(x) * self.scale
        out += self.offset
        return out[..., :2] if out.size(-1) > 5 else out


net = Net().eval()
with torch.no_grad():
    logits = net(torch.zeros(2, 4))
    best, where = logits.max(dim=-1)
print(f"best {best.shape} of {len(SIZES)!r:>5}")


@tl.claim(x=tl.box([-1.0] * 4, [1.0] * 4))
def bounded(x):
    """All outputs stay small."""
    return (net(x).abs() <= 100.0).all()


if __name__ == "__main__":
    for epoch in range(3):
        try:
            loss = net(torch.randn(5, 4)).square().mean()
            loss.backward()
        except RuntimeError as error:
            raise SystemExit(1) from error
