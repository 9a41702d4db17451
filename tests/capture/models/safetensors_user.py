import torch
from safetensors.torch import load_file
from torch import nn


class Regressor(nn.Module):
    def __init__(self, width: int, *, activation: type[nn.Module] = nn.Softplus):
        super().__init__()
        self.inp = nn.Linear(3, width)
        self.out = nn.Linear(width, 1)
        self.act = activation()
        self._scale = 2.0

    @property
    def scale(self) -> float:
        return self._scale * 0.5

    @staticmethod
    def center(x: torch.Tensor) -> torch.Tensor:
        return x - x.mean(dim=-1, keepdim=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.scale * self.out(self.act(self.inp(self.center(x)))).squeeze(-1)


model = Regressor(8)
missing, unexpected = model.load_state_dict(load_file("regressor.safetensors"), strict=True)
model.requires_grad_(False).eval()
