"""The table of the kernels as people read it, for the documentation and for the benchmarks' results."""

from __future__ import annotations

import math
import struct

from torchlean.float32.formats import BFLOAT16, BINARY16, BINARY32, BINARY64, TF32, Format
from torchlean.float32.kernels.compiled import COMPILED
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

FORMATS = (BINARY64, BINARY32, TF32, BINARY16, BFLOAT16)


def table() -> list[tuple[str, ...]]:
    """The header and a row for each function. Measured figures are rounded upward."""
    return [HEADER, *(_row(name, kernel) for name, kernel in KERNELS.items())]


def compiled() -> list[tuple[str, ...]]:
    """The header and a row for each function that `torch.compile` computes by another kernel."""
    header = ("function", "stated ulps", "plus", "documented", "limits")
    return [header, *((f"`{name}`", *_stated(kernel), _limits(kernel)) for name, kernel in COMPILED.items())]


def formats() -> list[tuple[str, ...]]:
    """The header and a row for each format: unit roundoff, half the smallest positive number, limits."""
    header = (
        "format",
        "bits of precision",
        "u",
        "η",
        "smallest normal",
        "largest",
        "rounds to infinity from",
    )
    return [header, *(_format(format) for format in FORMATS)]


def page_with_tables(page: str) -> str:
    """A page with the tables between their marks. Raises ValueError where those are missing."""
    page = _between("formats", formats(), page)
    return _between("compiled", compiled(), _between("kernels", table(), page))


def _between(name: str, lines: list[tuple[str, ...]], page: str) -> str:
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, opened, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not opened or not closed:
        raise ValueError(f"expected the marks {begin!r} and {end!r} in the page")
    rule = ("---",) * len(lines[0])
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in (lines[0], rule, *lines[1:]))
    return f"{before}{begin}\n{text}\n{end}{after}"


def _format(format: Format) -> tuple[str, ...]:
    return (
        format.name,
        str(format.precision),
        f"2^-{format.precision}",
        f"2^{format.quantum_exponent - 1}",
        f"2^{format.minimum_exponent}",
        f"(2 - 2^-{format.precision - 1}) 2^{format.maximum_exponent}",
        f"(2 - 2^-{format.precision}) 2^{format.maximum_exponent}",
    )


def _row(name: str, kernel: Kernel) -> tuple[str, ...]:
    rows = measured().get(name, ())
    native = {row.path: row for row in rows if row.capability != "DEFAULT"}
    plain = max((row for row in rows if row.capability == "DEFAULT"), key=lambda row: row.ulps, default=None)
    return (
        f"`{name}`",
        *_stated(kernel),
        _met(native.get("vectorised")),
        _met(native.get("strided")),
        _met(plain),
        _limits(kernel),
    )


def _stated(kernel: Kernel) -> tuple[str, str, str]:
    documented = f"{kernel.documented:g}" if kernel.documented else ""
    return f"{kernel.ulps:g}", _power_of_two(kernel.absolute), documented


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
