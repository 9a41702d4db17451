"""The table of the kernels as people read it, for the documentation and for the benchmarks' results."""

from __future__ import annotations

import math
import struct

from torchlean.float32.kernels.kernel import Kernel
from torchlean.float32.kernels.measured import Measurement, measured
from torchlean.float32.kernels.table import KERNELS

HEADER = (
    "function",
    "stated ulps",
    "plus",
    "documented",
    "worst met, vectorised",
    "strided",
    "without AVX2",
    "limits",
)

_BEGIN, _END = "<!-- kernels: begin -->", "<!-- kernels: end -->"


def table() -> list[tuple[str, ...]]:
    """The header and a row for each function. Measured figures are rounded upward."""
    return [HEADER, *(_row(name, kernel) for name, kernel in KERNELS.items())]


def page_with_table(page: str) -> str:
    """A page with the table between its two marks. Raises ValueError where they are missing."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"expected the marks {_BEGIN!r} and {_END!r} in the page")
    header, *rows = table()
    lines = [header, ("---",) * len(header), *rows]
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    return f"{before}{begin}\n{text}\n{end}{after}"


def _row(name: str, kernel: Kernel) -> tuple[str, ...]:
    rows = measured().get(name, ())
    native = {row.path: row for row in rows if row.capability != "DEFAULT"}
    plain = max((row for row in rows if row.capability == "DEFAULT"), key=lambda row: row.ulps, default=None)
    return (
        f"`{name}`",
        f"{kernel.ulps:g}",
        _power_of_two(kernel.absolute),
        f"{kernel.documented:g}" if kernel.documented else "",
        _met(native.get("vectorised")),
        _met(native.get("strided")),
        _met(plain),
        _limits(kernel),
    )


def _met(row: Measurement | None) -> str:
    """The figure, in bold where all inputs were tried, and the input."""
    if row is None:
        return ""
    figure = f"{math.ceil(row.ulps * 1e4) / 1e4:.4f}"
    at = ", ".join(f"{struct.unpack('<f', struct.pack('<I', bits))[0]:.9g}" for bits in row.inputs)
    return f"{f'**{figure}**' if row.exhaustive else figure} at {at}"


def _power_of_two(number: float) -> str:
    """Such as 2^-21, or 1.5 · 2^-21."""
    if number == 0:
        return ""
    mantissa, exponent = math.frexp(number)
    factor = "" if mantissa == 0.5 else f"{mantissa * 2:g} · "
    return f"{factor}2^{exponent - 1}"


def _limits(kernel: Kernel) -> str:
    parts = []
    low, high = kernel.domain
    if math.isfinite(low) or math.isfinite(high):
        parts.append(f"for inputs from {low:g} to {high:g}")
    if math.isfinite(kernel.finite_below):
        parts.append(f"may overflow early from {kernel.finite_below:g}")
    if kernel.why:
        parts.append(kernel.why)
    return "; ".join(parts)
