"""How certified accuracy falls as the regions around samples grow: a robust family decided at several radii."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from torchlean.analysis.result import FamilyResult
from torchlean.analysis.sample_verdicts import decided_family
from torchlean.analysis.session import Session
from torchlean.analysis.units import bound_unit, unit_graph
from torchlean.capture import capture_file
from torchlean.capture.result import Unit
from torchlean.claims.domain import Box

SECONDS = 4.0
"""For branch and bound at each radius: a plot needs no last sample."""

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)
"""Radii that are looked at where nobody says which, as shares of the family's own."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One robust family.

    Attributes:
        name: the family's.
        eps: its own radius.
        norm: `linf` or `l2`.
        labels: of its samples.
        points: the radius and the counts at each radius, smallest first.
    """

    name: str
    eps: float
    norm: str
    labels: tuple[int, ...]
    points: tuple[tuple[float, FamilyResult], ...]


def curves(
    path: str,
    text: str,
    session: Session,
    radii: Sequence[float] = (),
    cancelled: Callable[[], bool] = lambda: False,
    report: Callable[[str, float, float], None] = lambda name, eps, share: None,
) -> list[Curve]:
    """The curve of each robust family of a file.

    Args:
        radii: none for `SHARES` of each family's own radius.
        report: told which family at which radius is next, and the share of all that is done.

    Raises:
        Cancelled: by the caller.
        DomainError: a negative or NaN radius.
    """
    capture = capture_file(os.path.abspath(path), text, session.workspace, cancelled)
    units = [
        unit
        for unit in capture.units
        if unit.samples is not None and unit.samples.labels is not None and unit.failure is None
    ]
    found = []
    for place, unit in enumerate(units):
        samples = unit.samples
        assert samples is not None and samples.labels is not None
        chosen = sorted(set(radii or (share * samples.eps for share in SHARES)))
        points = []
        for index, eps in enumerate(chosen):
            report(unit.name, eps, (place + index / len(chosen)) / len(units))
            bounded = bound_unit(unit_graph(capture, _at(unit, eps)), session.bounds, cancelled)
            seconds = SECONDS if eps != samples.eps else 0.0
            points.append((eps, decided_family(bounded, session, cancelled, seconds=seconds)))
        norm = "linf" if samples.radius is None else "l2"
        found.append(Curve(unit.name, samples.eps, norm, tuple(samples.labels.tolist()), tuple(points)))
    return found


def _at(unit: Unit, eps: float) -> Unit:
    """The unit with regions of another size."""
    assert unit.samples is not None
    samples = unit.samples.at(eps)
    hull, before = samples.hull(), unit.domains[unit.sampled]
    box = Box(hull.lower.reshape(before.shape), hull.upper.reshape(before.shape), hull.text, before.span)
    return replace(unit, samples=samples, domains={**unit.domains, unit.sampled: box})
