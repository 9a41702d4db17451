"""Claims about every sample of a data file: its arrays, the ball around each sample, and what can be wrong with them.

The analysis and the run time read the same files with the same reader and say the same about them; torch is needed for
both, so nothing here is imported by `import torchlean`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.claims import domain
from torchlean.claims.domain import Box
from torchlean.claims.errors import ArgumentError
from torchlean.claims.plain import Domain, Regions

NORMS = ("linf", "l2")
"""Norms that balls are known for."""


@dataclass(frozen=True, eq=False, repr=False)
class Samples(Regions):
    """Inputs around each of some samples.

    Attributes:
        lower, upper: the box around the ball of each sample, cut to the clip: float64, (samples, *input).
        centers: the samples themselves, float64, (samples, *input).
        radius: of balls in the Euclidean norm: of the box, only what is at most so far from its sample counts. None
            where the whole boxes do (the maximum norm).
        labels: the class of each sample, int64, (samples,); None where there are none.
        text: the region as the user wrote it, for hovers.
        eps, clip: what the regions were made with.
    """

    lower: Tensor
    upper: Tensor
    centers: Tensor
    radius: float | None
    labels: Tensor | None
    text: str
    eps: float
    clip: tuple[float, float] | None

    def __len__(self) -> int:
        return len(self.centers)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return tuple(self.centers.shape[1:])

    def __repr__(self) -> str:
        return f"{self.text}, {len(self)} samples"

    def domain(self, place: int) -> Domain:
        """The box around one of them, as the run time has it."""
        ends = [tuple(end[place].flatten().tolist()) for end in (self.lower, self.upper)]
        return Domain(ends[0], ends[1], self.shape)

    def at(self, eps: float) -> Samples:
        """The same samples with regions of another size.

        Raises:
            DomainError: a negative or NaN radius.
        """
        norm = "linf" if self.radius is None else "l2"
        return balls(self.centers, self.labels, eps, norm, self.clip, self.text)

    def hull(self) -> Box:
        """The box around all of them."""
        return Box(self.lower.amin(0), self.upper.amax(0), self.text)


def check_arrays(tensors: Mapping[str, Tensor], file: str, labelled: bool) -> tuple[Tensor, Tensor | None]:
    """The samples (float64, (samples, *input)) and labels (int64, (samples,)) of a data file's arrays.

    Args:
        file: how messages call it.
        labelled: whether there must be labels.

    Raises:
        ArgumentError: an array is missing, of another shape or kind, empty, or contains NaN or an infinity.
    """

    def wrong(message: str) -> ArgumentError:
        return ArgumentError(f"data file `{file}` {message}", "data")

    needed = ("x", "y") if labelled else ("x",)
    for name in needed:
        if name not in tensors:
            has = ", ".join(f"`{key}`" for key in tensors) or "none"
            shapes = "`x` (samples, *input)" + (" and `y` (samples,)" if labelled else "")
            raise wrong(f"has no array `{name}`: it needs {shapes}, and has {has}")
    x = tensors["x"]
    if x.dtype == torch.bool or x.is_complex():
        raise wrong(f"has samples `x` of dtype {_dtype(x)}: they must be real numbers")
    if x.dim() == 0 or not x.numel():
        raise wrong(
            f"is empty: `x` has shape {tuple(x.shape)}, and needs at least one sample in (samples, *input)"
        )
    bad = (~torch.isfinite(x)).nonzero()
    if len(bad):
        sample, *place = bad[0].tolist()
        raise wrong(f"has {x[tuple(bad[0])].item()} in sample {sample} at {place}")
    return x.to(torch.float64), _labels(tensors["y"], len(x), wrong) if labelled else None


def _labels(y: Tensor, count: int, wrong: object) -> Tensor:
    assert callable(wrong)
    if y.is_floating_point() or y.is_complex() or y.dtype == torch.bool:
        raise wrong(f"has labels `y` of dtype {_dtype(y)}: classes are integers")
    if tuple(y.shape) != (count,):
        raise wrong(f"has labels `y` of shape {tuple(y.shape)} for {count} samples `x`: it needs ({count},)")
    negative = (y < 0).nonzero()
    if len(negative):
        raise wrong(
            f"has the label {int(y[negative[0]])} for sample {int(negative[0])}: classes count from 0"
        )
    return y.to(torch.int64)


def check_classes(labels: Tensor, classes: int, file: str, first: int = 0) -> None:
    """Every label is a class of the network.

    Args:
        first: the number of the first of these samples.

    Raises:
        ArgumentError: a label is not.
    """
    beyond = (labels >= classes).nonzero()
    if len(beyond):
        label, sample = int(labels[beyond[0]]), first + int(beyond[0])
        raise ArgumentError(
            f"data file `{file}` has the label {label} for sample {sample}: the network tells {classes} classes apart, "
            f"0 to {classes - 1}",
            "data",
        )


def check_norm(norm: object) -> str:
    """The norm's name.

    Raises:
        ArgumentError: it is none of `NORMS`.
    """
    if not isinstance(norm, str) or norm not in NORMS:
        known = " or ".join(f'"{name}"' for name in NORMS)
        raise ArgumentError(f"the norm must be {known}, got {norm!r}", "norm")
    return norm


def balls(
    x: Tensor, y: Tensor | None, eps: float, norm: str, clip: tuple[float, float] | None, text: str
) -> Samples:
    """The ball of radius `eps` around each sample, cut to `clip`, rounded outward.

    Raises:
        DomainError: as `claims.domain.ball`; in the Euclidean norm also a sample outside of `clip`.
    """
    if math.isinf(eps):
        raise ArgumentError("the radius must be finite", "eps")
    box = domain.ball(x, eps, clip, text)
    if norm == "l2" and clip is not None:
        outside = ((x < clip[0]) | (x > clip[1])).nonzero()
        if len(outside):
            sample, *place = outside[0].tolist()
            value = x[tuple(outside[0])].item()
            raise ArgumentError(
                f"clip=({clip[0]}, {clip[1]}) leaves out sample {sample}: {value:g} at {place}", "clip"
            )
    return Samples(box.lower, box.upper, x, eps if norm == "l2" else None, y, text, eps, clip)


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
