"""Train the network of `heat.py`, and write `rod.safetensors`.

The loss is the usual one of physics-informed networks (Raissi, Perdikaris and Karniadakis 2019): mean squares of the
residual inside, of the temperature at both ends, and of the difference from the initial temperature. A further term
keeps the weights small: bounds are closer then.

Offline, on one CPU core, from a fixed seed; half a minute.
"""

import math
from pathlib import Path
from unittest import mock

import torch
from safetensors.torch import save_file

# Importing the model file loads its weights, which are about to be made here: loading is off meanwhile.
with mock.patch("torchlean.load", lambda module, path: module):
    from heat import DIFFUSIVITY, Rod

SEED = 0
STEPS = 100
"""Each of twenty iterations of L-BFGS."""

SMALL = 1e-9
"""The weight of the weights' squares in the loss, which ends near 1e-6."""

POINTS = 40
"""Places and times: a grid of Chebyshev points, which lie closer together at the borders."""


def grid(count: int) -> torch.Tensor:
    places = torch.arange(count, dtype=torch.float64)
    return 0.5 - 0.5 * torch.cos(math.pi * places / (count - 1))


def loss(rod: torch.nn.Module, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    u = rod(x, t)
    u_x, u_t = torch.autograd.grad(u.sum(), (x, t), create_graph=True)
    (u_xx,) = torch.autograd.grad(u_x.sum(), x, create_graph=True)
    start, ends = t[:, 0] == 0, (x[:, 0] == 0) | (x[:, 0] == 1)
    inside = (u_t - DIFFUSIVITY * u_xx).square().mean()
    initial = (u[start] - torch.sin(math.pi * x[start])).square().mean()
    small = sum(p.square().sum() for p in rod.parameters())
    return inside + 10.0 * initial + 10.0 * u[ends].square().mean() + SMALL * small


def main() -> None:
    torch.manual_seed(SEED)
    rod = Rod().double()
    axes = torch.meshgrid(grid(POINTS), grid(POINTS), indexing="ij")
    x, t = (axis.reshape(-1, 1).clone().requires_grad_() for axis in axes)
    optimiser = torch.optim.LBFGS(
        rod.parameters(), max_iter=20, history_size=50, line_search_fn="strong_wolfe", tolerance_change=0.0
    )

    def closure() -> torch.Tensor:
        optimiser.zero_grad()
        value = loss(rod, x, t)
        value.backward()
        return value

    for step in range(STEPS):
        value = optimiser.step(closure)
        if step % 10 == 0:
            print(f"step {step:3}: loss {value.item():.2e}", flush=True)
    save_file(
        {name: p.detach().float().contiguous() for name, p in rod.state_dict().items()},
        Path(__file__).parent / "rod.safetensors",
    )


if __name__ == "__main__":
    main()
