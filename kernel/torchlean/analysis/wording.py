"""What bounds are in words, wherever they are shown: in hovers, in the bounds panel, on the report's page.

Numbers go through `torchlean.numbers`, which rounds outward. No text claims more than its evidence.
"""

from __future__ import annotations

import math

from torchlean.analysis.result import Blame, TensorFact, UnitResult
from torchlean.numbers import interval_text, upper_text

ERROR_DIGITS = 3
"""Of errors: they are bounds of bounds, and nobody reads a fourth digit."""


def rounding_rows(fact: TensorFact) -> list[tuple[str, str]]:
    """(heading, text) of what an execution in the program's dtype may add to the exact values above; empty where that
    is nothing, or follows from there being no bounds at all. Of a value that may be undefined, where that begins."""
    rounding = fact.rounding
    if rounding is None or rounding.error == 0 or fact.lower is None or fact.upper is None:
        return []
    if not math.isfinite(rounding.error):
        if fact.undefined and rounding.reason:
            return [("because", rounding.reason + _begun(rounding.blame, fact.line))]
        bounded = math.isfinite(fact.lower) and math.isfinite(fact.upper) and not fact.undefined
        return [("rounding", f"no bound: {rounding.reason}")] if bounded and rounding.reason else []
    if fact.dtype == "bool":
        if fact.lower != fact.upper:
            return []
        return [("rounding", "an execution may decide otherwise than exact numbers do")]
    rows = []
    executed = interval_text(rounding.lower, rounding.upper)
    if executed != interval_text(fact.lower, fact.upper):
        rows.append((fact.dtype, executed))
    text = f"off by at most {upper_text(rounding.error, ERROR_DIGITS)}"
    if rounding.ulps is not None:
        text += f" ({upper_text(rounding.ulps, ERROR_DIGITS)} ulp)"
    if rounding.blame is not None and rounding.blame.line is not None:
        text += f", {_share(rounding.blame.share)} from line {rounding.blame.line + 1}"
    return [*rows, ("rounding", text)]


def _begun(blame: Blame | None, line: int | None) -> str:
    """Where something begins, unless that is here."""
    return f", from line {blame.line + 1}" if blame and blame.line is not None and blame.line != line else ""


def _share(share: float) -> str:
    """`63 %`, in words where it is everything or nearly so."""
    return "all" if share > 0.995 else f"{share:.0%}".replace("%", " %")


def interval(fact: TensorFact) -> str:
    """`[-1, 2.5]`, with a warning when the value may be NaN. For facts with bounds."""
    if fact.lower is None or fact.upper is None:
        raise ValueError(f"node {fact.node} has no bounds")
    return extent_text(fact.lower, fact.upper, fact.undefined)


def extent_text(lower: float, upper: float, undefined: bool) -> str:
    """The same of three values."""
    text = interval_text(lower, upper)
    return f"{text} or undefined (NaN)" if undefined else text


def domain_text(unit: UnitResult) -> str:
    """What the unit's bounds hold for, as a sentence piece with markdown."""
    if unit.domains:
        return f"{inputs_text(unit)} ({unit.kind} `{unit.name}`)"
    if unit.kind == "script":
        return "as the file's own code computes it"
    assumed = ", with an assumed input shape" if unit.assumed_input else ""
    return f"for any input ({unit.kind} `{unit.name}`{assumed})"


def inputs_text(unit: UnitResult) -> str:
    """The stated domain in markdown."""
    return "for all " + ", ".join(f"`{name} ∈ {text}`" for name, text in unit.domains)
