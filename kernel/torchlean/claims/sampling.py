"""Looking for a violation of a claim by running it: a test, never a proof.

The inputs are binary32 tensors inside the domain, where the real execution takes place: the domain's float64
ends are rounded inward, so no input lies outside by an ulp. Violations of piecewise linear networks sit at
corners and on faces more often than in the middle, so those are tried before the uniform points.
"""

from __future__ import annotations

import inspect
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.claims.errors import RANGES, DomainError
from torchlean.claims.plain import Domain, Regions, nested
from torchlean.claims.samples import Samples

KEPT_VIOLATIONS = 10
"""Violations kept with their inputs; the rest is only counted, since images are large."""

CORNER_SHARE = 4
"""Every corner is tried where all of them together are at most `n / CORNER_SHARE` inputs."""


@dataclass(frozen=True, eq=False)
class Violation:
    """One input on which the claim is false.

    Attributes:
        inputs: the binary32 tensors, by argument; running the claim on them replays the violation.
        result: what the claim returned, a bool or a bool tensor.
    """

    inputs: dict[str, Tensor]
    result: bool | Tensor

    def __repr__(self) -> str:
        return ", ".join(f"{name} = {_text(value)}" for name, value in self.inputs.items())


@dataclass(frozen=True, eq=False)
class Sample:
    """What running a claim on sampled inputs showed.

    Attributes:
        name: the claim's.
        tried: how many inputs were run.
        violated: on how many of them the claim is false.
        violations: the first of those (at most KEPT_VIOLATIONS), with their inputs.
        seed: repeats this very run.
    """

    name: str
    tried: int
    violated: int
    violations: tuple[Violation, ...]
    seed: int

    def __repr__(self) -> str:
        if not self.violated:
            return (
                f"`{self.name}`: no violation among {self.tried} sampled inputs (seed {self.seed}). "
                "Sampling is no proof: other inputs may violate it."
            )
        return (
            f"`{self.name}`: false on {self.violated} of {self.tried} sampled inputs (seed {self.seed}), "
            f"which refutes it; the first: {self.violations[0]!r}"
        )


@dataclass(frozen=True, eq=False, slots=True)
class _Ends:
    """The least and greatest binary32 tensors inside a domain, and its float64 ends for drawing between
    them.
    """

    low: Tensor
    high: Tensor
    domain_low: Tensor
    domain_high: Tensor


def sample(
    function: Callable[..., object], domains: Mapping[str, Domain | Regions], n: int, seed: int | None
) -> Sample:
    """Run `function` on `n` inputs inside `domains`, or around each sample of a file; see `Claim.sample`."""
    if n < 1:
        raise ValueError(f"at least one input must be tried, got n={n}")
    boxes = {argument: domain for argument, domain in domains.items() if isinstance(domain, Domain)}
    sampled = [(argument, domain) for argument, domain in domains.items() if isinstance(domain, Samples)]
    if not sampled:
        return _sample(function, boxes, n, seed)
    ((argument, samples),) = sampled
    around = [{**boxes, argument: samples.domain(place)} for place in range(len(samples))]
    found = [_sample(function, each, n, seed) for each in around]
    violations = tuple(violation for each in found for violation in each.violations)[:KEPT_VIOLATIONS]
    tried, violated = sum(each.tried for each in found), sum(each.violated for each in found)
    return Sample(found[0].name, tried, violated, violations, found[0].seed)


def _sample(
    function: Callable[..., object], domains: Mapping[str, Domain], n: int, seed: int | None
) -> Sample:
    generator = torch.Generator()
    used = generator.seed() if seed is None else generator.manual_seed(seed).initial_seed()
    ends = {argument: _inward(argument, domain) for argument, domain in domains.items()}
    signature = inspect.signature(function)
    violations: list[Violation] = []
    violated = 0
    for inputs in _inputs(ends, n, generator):
        bound = inspect.BoundArguments(signature, OrderedDict(inputs))
        result = function(*bound.args, **bound.kwargs)
        if not _holds(result):
            violated += 1
            if len(violations) < KEPT_VIOLATIONS:
                assert isinstance(result, bool | Tensor)
                violations.append(Violation(inputs, result))
    return Sample(getattr(function, "__name__", repr(function)), n, violated, tuple(violations), used)


def _holds(result: object) -> bool:
    if isinstance(result, bool):
        return result
    if isinstance(result, Tensor) and result.dtype == torch.bool:
        return bool(result.all())
    got = f"a {result.dtype} tensor" if isinstance(result, Tensor) else repr(result)
    raise TypeError(f"a claim must return a bool or a bool tensor, such as `y <= 4.0`, got {got}")


def _inward(argument: str, domain: Domain) -> _Ends:
    """The domain's ends, rounded inward to finite binary32; whole numbers as they are."""
    lower = torch.tensor(domain.lower, dtype=torch.float64).reshape(domain.shape)
    upper = torch.tensor(domain.upper, dtype=torch.float64).reshape(domain.shape)
    if domain.dtype is not None and domain.dtype in RANGES:
        whole = getattr(torch, domain.dtype)
        return _Ends(lower.to(whole), upper.to(whole), lower, upper)
    dtype = torch.float64 if domain.dtype == "float64" else torch.float32
    largest = torch.finfo(dtype).max
    low, high = lower.clamp(-largest, largest).to(dtype), upper.clamp(-largest, largest).to(dtype)
    low = torch.where(low.double() < lower, low.nextafter(torch.tensor(math.inf, dtype=dtype)), low)
    high = torch.where(high.double() > upper, high.nextafter(torch.tensor(-math.inf, dtype=dtype)), high)
    empty = low > high
    if bool(empty.any()):
        place = tuple(int(i) for i in empty.nonzero()[0])
        raise DomainError(
            f"the domain of `{argument}` holds no float32 number at {list(place)}: "
            f"none lies between {lower[place].item()!r} and {upper[place].item()!r}, so nothing can be run"
        )
    return _Ends(low, high, lower.clamp(-largest, largest), upper.clamp(-largest, largest))


def _inputs(ends: Mapping[str, _Ends], n: int, generator: torch.Generator) -> Iterator[dict[str, Tensor]]:
    """`n` inputs: the middle, every corner where they are few, then corners, faces and uniform points in
    turn.
    """
    elements = sum(end.low.numel() for end in ends.values())
    # Compared as exponents: 2**elements itself is a huge number for an image.
    corners = 2**elements if elements <= math.log2(n / CORNER_SHARE) else 0
    for turn in range(n):
        if turn == 0:
            yield {name: _between(end, torch.full(end.low.shape, 0.5)) for name, end in ends.items()}
        elif turn <= corners:
            yield _corner(ends, turn - 1)
        else:
            yield {name: _drawn(end, turn, generator) for name, end in ends.items()}


def _corner(ends: Mapping[str, _Ends], number: int) -> dict[str, Tensor]:
    """The corner whose element `i`, counted over all inputs, is at its upper end where bit `i` of `number` is
    set.
    """
    corner = {}
    for name, end in ends.items():
        size = end.low.numel()
        bits = torch.tensor([bool(number >> i & 1) for i in range(size)], dtype=torch.bool)
        corner[name] = torch.where(bits.reshape(end.low.shape), end.high, end.low)
        number >>= size
    return corner


def _drawn(end: _Ends, turn: int, generator: torch.Generator) -> Tensor:
    """A random corner, a random point of a random face, or two uniform points, by turns."""
    place = torch.rand(end.low.shape, generator=generator, dtype=torch.float64)
    inside = _between(end, place)
    if turn % 4 > 1:
        return inside
    side = torch.rand(end.low.shape, generator=generator)
    corner = torch.where(side < 0.5, end.low, end.high)
    if turn % 4 == 0:
        return corner
    fixed = torch.rand(end.low.shape, generator=generator) < 0.5
    return torch.where(fixed, corner, inside)


def _between(end: _Ends, place: Tensor) -> Tensor:
    """The binary32 point at `place` (0 lower, 1 upper) of the way. Weighted ends cannot overflow, `high -
    low` can.
    """
    weight = place.double()
    point = end.domain_low * (1.0 - weight) + end.domain_high * weight
    nearest = point.to(end.low.dtype) if end.low.is_floating_point() else point.round().to(end.low.dtype)
    return torch.minimum(torch.maximum(nearest, end.low), end.high)


def _text(value: Tensor) -> str:
    """The numbers, exactly; a large tensor by its shape."""
    if value.numel() <= 16:
        return repr(nested(tuple(value.reshape(-1).tolist()), tuple(value.shape)))
    return f"tensor of shape {tuple(value.shape)}"
