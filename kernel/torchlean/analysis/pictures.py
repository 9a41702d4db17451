"""Pictures of Lyapunov functions: which parts of the region are shown and which are open, in slices of two coordinates.

One SVG file without anything outside of it, so that it can be opened, mailed and kept. Level curves are drawn from
executed values; the boxes are what was proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

import torch
from torch import Tensor

from torchlean.analysis.level_sets import Studied
from torchlean.analysis.lyapunov import System, parts
from torchlean.analysis.result import Verdict
from torchlean.claims.parts import Parts

SIDE = 320
"""Of a panel, in pixels: three stand beside each other on a screen."""

GAP = 56
"""Between panels, for the numbers at the axes."""

CELLS = 96
"""Of the grid that level curves are found on, along each coordinate: a cell is some three pixels."""

_SHOWN = {True: "#8fc9a3", False: "#e08a80"}
_STYLE = (
    "text{font:12px sans-serif;fill:#222}.small{font-size:10px;fill:#555}rect{stroke:#fff;stroke-width:.4}"
    ".frame{fill:none;stroke:#222;stroke-width:1}.level{stroke:#222;stroke-width:1.2}"
    ".inner{stroke:#222;stroke-width:1.2;stroke-dasharray:3 2}"
    ".path{fill:none;stroke:#7b1fa2;stroke-width:1.6}.state{fill:#7b1fa2}"
)


class NoPictureError(ValueError):
    """There is nothing to draw; the message says why."""


def picture(name: str, facts: Sequence[Studied]) -> str:
    """A row of panels for each pair of coordinates, a panel for each fact.

    Of more than two coordinates a panel shows the slice through the middle of the others.

    Raises:
        NoPictureError: states have one coordinate, or no fact has parts.
    """
    drawn = [(fact, found) for fact in facts if (found := _parts(fact)) is not None]
    if not drawn:
        raise NoPictureError(
            f"the facts of `{name}` have no parts to draw: none of them was bounded on the region"
        )
    coordinates = drawn[0][1].lower.shape[1]
    if coordinates < 2:
        raise NoPictureError(f"the states of `{name}` have one coordinate: a picture needs two")
    pairs = [(first, first + 1) for first in range(0, coordinates - 1, 2)]
    if coordinates % 2:
        pairs.append((coordinates - 2, coordinates - 1))
    width = len(drawn) * (SIDE + GAP) + GAP
    height = len(pairs) * (SIDE + 2 * GAP) + GAP
    body = []
    for row, axes in enumerate(pairs):
        for column, (fact, found) in enumerate(drawn):
            x, y = GAP + column * (SIDE + GAP), GAP + row * (SIDE + 2 * GAP)
            body.append(f'<g transform="translate({x} {y})">{"".join(_panel(fact, found, axes))}</g>')
    legend = (
        "green: shown; red: open; line: V = rho; dashes: V = rho0 (executed values); violet: a trajectory"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<title>{escape(name)}</title><style>{_STYLE}</style><rect width="{width}" height="{height}" fill="#fff"/>'
        f'{"".join(body)}<text class="small" x="{GAP}" y="{height - 12}">{legend}</text></svg>\n'
    )


def _parts(fact: Studied) -> Parts | None:
    if fact.system is None or fact.decision is None:
        return None
    return parts(fact.system.question, fact.decision)


def _panel(fact: Studied, found: Parts, axes: tuple[int, int]) -> Iterator[str]:
    system = fact.system
    assert system is not None, "only facts that can be analysed have parts"
    lower, upper = system.region.lower.flatten(), system.region.upper.flatten()
    frame = _Frame(lower[list(axes)], upper[list(axes)])
    word = {Verdict.PROVED: "proved", Verdict.REFUTED: "refuted", Verdict.UNKNOWN: "not proved"}
    yield f'<text x="0" y="-10">{escape(fact.name)}: {word[fact.result.verdict]}</text>'
    middle = (lower + upper) / 2
    others = [place for place in range(len(lower)) if place not in axes]
    cut = ((found.lower <= middle) & (middle <= found.upper))[:, others].all(1)
    for index in cut.nonzero().flatten().tolist():
        yield frame.box(
            found.lower[index, list(axes)], found.upper[index, list(axes)], bool(found.shown[index])
        )
    yield from _curves(system, frame, axes, middle)
    if len(fact.result.trajectory) > 1:
        yield frame.path([(state[axes[0]], state[axes[1]]) for state in fact.result.trajectory])
    yield f'<rect class="frame" width="{SIDE}" height="{SIDE}"/>'
    yield from frame.labels(axes)


class _Frame:
    """From two coordinates to pixels; the second one grows upwards."""

    def __init__(self, lower: Tensor, upper: Tensor) -> None:
        self.low, self.high = lower.tolist(), upper.tolist()

    def at(self, first: float, second: float) -> tuple[float, float]:
        """A point; those outside of the frame are put on its border."""
        shares = [
            min(max((value - low) / ((high - low) or 1.0), 0.0), 1.0)
            for value, low, high in zip((first, second), self.low, self.high, strict=True)
        ]
        return shares[0] * SIDE, (1 - shares[1]) * SIDE

    def box(self, lower: Tensor, upper: Tensor, shown: bool) -> str:
        left, bottom = self.at(*lower.tolist())
        right, top = self.at(*upper.tolist())
        size = f'width="{right - left:.2f}" height="{bottom - top:.2f}"'
        return f'<rect x="{left:.2f}" y="{top:.2f}" {size} fill="{_SHOWN[shown]}"/>'

    def path(self, states: Sequence[tuple[float, float]]) -> str:
        points = [self.at(*state) for state in states if all(abs(number) < torch.inf for number in state)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        marks = "".join(f'<circle class="state" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points)
        return f'<polyline class="path" points="{line}"/>{marks}'

    def labels(self, axes: tuple[int, int]) -> Iterator[str]:
        left, right = f"{self.low[0]:g}", f"{self.high[0]:g}"
        yield f'<text class="small" x="0" y="{SIDE + 14}">{left}</text>'
        yield f'<text class="small" x="{SIDE}" y="{SIDE + 14}" text-anchor="end">{right}</text>'
        yield f'<text class="small" x="{SIDE / 2}" y="{SIDE + 14}" text-anchor="middle">x[{axes[0]}]</text>'
        yield f'<text class="small" x="-4" y="{SIDE}" text-anchor="end">{self.low[1]:g}</text>'
        yield f'<text class="small" x="-4" y="10" text-anchor="end">{self.high[1]:g}</text>'
        yield f'<text class="small" x="-4" y="{SIDE / 2}" text-anchor="end">x[{axes[1]}]</text>'


def _curves(system: System, frame: _Frame, axes: tuple[int, int], middle: Tensor) -> Iterator[str]:
    """The curves V = rho and V = rho0 in the slice, from executed values: marching squares, straight in each cell."""
    grid = [torch.linspace(low, high, CELLS + 1) for low, high in zip(frame.low, frame.high, strict=True)]
    (node,) = system.graph.inputs
    states = middle.to(node.type.dtype).repeat((CELLS + 1) ** 2, 1)
    first, second = torch.meshgrid(*grid, indexing="ij")
    states[:, axes[0]], states[:, axes[1]] = (
        first.flatten().to(states.dtype),
        second.flatten().to(states.dtype),
    )
    values = system.values(states.reshape(-1, *system.region.shape)).reshape(CELLS + 1, CELLS + 1)
    for level, kind in ((system.levels.rho, "level"), (system.levels.rho0, "inner")):
        lines = []
        for (x1, y1), (x2, y2) in _segments(values - level, grid):
            (left, top), (right, bottom) = frame.at(x1, y1), frame.at(x2, y2)
            lines.append(f"M{left:.1f} {top:.1f}L{right:.1f} {bottom:.1f}")
        yield f'<path class="{kind}" d="{"".join(lines)}"/>'


Point = tuple[float, float]


def _segments(height: Tensor, grid: Sequence[Tensor]) -> Iterator[tuple[Point, Point]]:
    """Where a function on a grid changes its sign: in each cell from crossing to crossing along its sides."""
    below = height <= 0
    mixed = below[:-1, :-1].int() + below[1:, :-1].int() + below[:-1, 1:].int() + below[1:, 1:].int()
    x, y, h = grid[0].tolist(), grid[1].tolist(), height.tolist()
    for i, j in ((mixed > 0) & (mixed < 4)).nonzero().tolist():
        corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
        found: list[Point] = []
        for (a, b), (c, d) in zip(corners, [*corners[1:], corners[0]], strict=True):
            start, end = h[a][b], h[c][d]
            if (start <= 0) != (end <= 0):
                share = start / (start - end)
                found.append((x[a] + share * (x[c] - x[a]), y[b] + share * (y[d] - y[b])))
        yield from zip(found[::2], found[1::2], strict=False)


__all__ = ["NoPictureError", "picture"]
