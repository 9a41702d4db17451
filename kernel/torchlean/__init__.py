"""TorchLean: what every tensor of a PyTorch program can be, and whether the claims written in it hold.

This is what a user's file imports, so it is light: neither torch nor numpy is loaded before a claim is
sampled or weights are read.

    import torchlean as tl

    net = tl.load(Net(), "net.safetensors")

    @tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
    def stays_in_range(x):
        return net(x).abs() <= 4.0

    stays_in_range(torch.zeros(2))   # runs like any function
    stays_in_range.sample()          # looks for a violation; `torchlean check FILE` proves

The analysis lives in the subpackages (`capture`, `bounds`, `analysis`); nothing of it is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchlean.claims.api import Claim, D, claim, load, robust
from torchlean.claims.errors import DomainError
from torchlean.claims.logic import all, any, implies
from torchlean.claims.lyapunov import Lyapunov, lyapunov
from torchlean.claims.plain import Domain, assume, ball, box
from torchlean.claims.residual import Residual, residual

if TYPE_CHECKING:
    from torchlean.claims.sampling import Sample, Violation

__all__ = [
    "Claim",
    "D",
    "Domain",
    "DomainError",
    "Lyapunov",
    "Residual",
    "Sample",
    "Violation",
    "all",
    "any",
    "assume",
    "ball",
    "box",
    "claim",
    "implies",
    "load",
    "lyapunov",
    "residual",
    "robust",
]

_WITH_TORCH = ("Sample", "Violation")
"""Public names whose module imports torch: looked up when first used."""


def __getattr__(name: str) -> object:
    if name in _WITH_TORCH:
        from torchlean.claims import sampling

        return getattr(sampling, name)
    if name == "__version__":
        from importlib.metadata import version

        return version("torchlean")
    raise AttributeError(f"module 'torchlean' has no attribute {name!r}")
