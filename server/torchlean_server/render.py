"""The texts that people read in hovers, hints and lenses. No text claims more than its evidence.

Numbers go through `torchlean.numbers`, which rounds outward.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torchlean.analysis.result import ClaimResult, Evidence, TensorFact, UnitResult, Verdict
from torchlean.numbers import interval_text, lower_text, upper_text

MAX_FACTS = 3
"""Executions of one place that a hover spells out."""

_METHODS = {"ibp": "interval bound propagation"}

_VERDICTS = {Verdict.PROVED: "proved", Verdict.REFUTED: "refuted", Verdict.UNKNOWN: "not decided"}

_EVIDENCE = {
    Evidence.KERNEL: "accepted by the Lean kernel",
    Evidence.ENGINE: "outward-rounded arithmetic, not re-checked",
    Evidence.COUNTEREXAMPLE: "by a float32 input that was executed",
    Evidence.NONE: "",
}


def shape_text(shape: Sequence[int]) -> str:
    """As Python writes tuples: `(2,)`."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def place_text(label: str, facts: Sequence[TensorFact]) -> str:
    """Markdown: what stands at a place, one block per execution."""
    shown = facts[:MAX_FACTS]
    parts = [f"**`{label or shown[0].label or shown[0].op}`**"]
    if len(facts) > 1:
        parts[0] += f", executed {len(facts)} times" + (
            f" (the first {MAX_FACTS} shown)" if len(facts) > MAX_FACTS else ""
        )
    parts += [_block(fact_rows(fact)) for fact in shown]
    return "\n\n".join(parts)


def fact_rows(fact: TensorFact) -> list[tuple[str, str]]:
    """(heading, text) of what is known of one tensor."""
    rows = [("op", fact.op), ("shape", shape_text(fact.shape)), ("dtype", fact.dtype)]
    rows += bounds_rows(fact)
    return rows


def bounds_rows(fact: TensorFact) -> list[tuple[str, str]]:
    """(heading, text) of the numbers, as far as there are any."""
    if fact.lower is None or fact.upper is None:
        return [("bounds", f"none: {fact.reason}")] if fact.reason else []
    rows = [("interval", interval(fact))]
    several = len(fact.widest) > 1 or any(element.index for element in fact.widest)
    if several and fact.lower < fact.upper:
        width = max(len(str(list(element.index))) for element in fact.widest)
        for heading, element in zip(["widest", "", ""], fact.widest, strict=False):
            index = str(list(element.index)).ljust(width)
            rows.append((heading, f"{index} ∈ {interval_text(element.lower, element.upper)}"))
    if fact.error is not None:
        rows.append(("rounding", f"a float32 execution is off by at most {upper_text(fact.error)}"))
    if fact.reason:
        rows.append(("reason", fact.reason))
    return rows


def interval(fact: TensorFact) -> str:
    """`[-1, 2.5]`, with a warning when the value may be NaN. For facts with bounds."""
    if fact.lower is None or fact.upper is None:
        raise ValueError(f"node {fact.node} has no bounds")
    text = interval_text(fact.lower, fact.upper)
    return f"{text} or undefined (NaN)" if fact.undefined else text


def method_text(fact: TensorFact) -> str:
    """How the bounds were found and what they do not cover."""
    method = _METHODS.get(fact.method, fact.method)
    rounding = "" if fact.error is not None else "; float32 rounding is not included"
    return f"{method}, rounded outward{rounding}"


def domain_text(unit: UnitResult) -> str:
    """What the unit's bounds hold for, as a sentence piece with markdown."""
    name = f"{unit.kind} `{unit.name}`"
    if unit.domains:
        inputs = ", ".join(f"`{name} ∈ {text}`" for name, text in unit.domains)
        return f"for {inputs} ({name})"
    assumed = ", with an assumed input shape" if unit.assumed_input else ""
    return f"for any input ({name}{assumed})"


def unit_text(unit: UnitResult) -> str:
    """Markdown for the name of a unit: its summary, and a claim's verdict with its evidence."""
    parts = [f"**{unit.kind} `{unit.name}`**"]
    if unit.summary and unit.summary != unit.name:
        parts[0] += f": {unit.summary}"
    if unit.claim is not None:
        parts.append(claim_text(unit.claim))
    elif unit.failure is None and unit.kind == "claim":
        parts.append("being checked")
    if unit.failure:
        parts.append(f"Not followed to the end: {unit.failure}")
    if unit.kind == "module":
        parts.append(f"{unit.parameters:,} parameters")
    if unit.domains or unit.kind != "script":
        parts.append(domain_text(unit))
    return "\n\n".join(parts)


def claim_text(claim: ClaimResult) -> str:
    """Markdown for a verdict."""
    evidence = _EVIDENCE[claim.evidence]
    head = f"**{_VERDICTS[claim.verdict]}**" + (f", {evidence}" if evidence else "")
    rows = []
    if claim.margin is not None:
        rows.append(("margin", f"at least {lower_text(claim.margin)}"))
    for name, value in (claim.counterexample or {}).items():
        rows.append((name, _shortened(value)))
    rows.append(("time", seconds_text(claim.seconds)))
    return "\n\n".join([head, claim.detail, _block(rows)])


def claim_title(claim: ClaimResult | None) -> str:
    """A verdict in a few words, for a lens."""
    if claim is None:
        return "being checked"
    parts = [_VERDICTS[claim.verdict]]
    if claim.evidence is not Evidence.NONE:
        parts[0] += f" ({claim.evidence.value})"
    if claim.margin is not None:
        parts.append(f"margin ≥ {lower_text(claim.margin)}")
    parts.append(seconds_text(claim.seconds))
    return " · ".join(parts)


def module_title(unit: UnitResult) -> str:
    """Parameters and input domain, for a lens."""
    plural = "" if unit.parameters == 1 else "s"
    parts = [f"{unit.parameters:,} parameter{plural}"]
    if unit.domains:
        parts.append(", ".join(f"{name} ∈ {text}" for name, text in unit.domains))
    elif unit.assumed_input:
        parts.append("input shape assumed")
    if unit.failure:
        parts.append("not followed to the end")
    return " · ".join(parts)


def tally_title(claims: Sequence[ClaimResult | None]) -> str:
    """Many claims of one family in a few words: `7 proved · 1 refuted · 2 not decided of 10`."""
    counts = [(sum(c is not None and c.verdict is v for c in claims), _VERDICTS[v]) for v in Verdict]
    counts.append((sum(c is None for c in claims), "being checked"))
    return " · ".join(f"{count} {word}" for count, word in counts if count) + f" of {len(claims)}"


def hint_text(facts: Sequence[TensorFact], bounded_domain: bool) -> str | None:
    """`∈ [-1, 2.5]` for all executions of a place together; None where that says nothing."""
    if not facts or any(fact.lower is None or fact.upper is None for fact in facts):
        return None
    lower = min(fact.lower for fact in facts if fact.lower is not None)
    upper = max(fact.upper for fact in facts if fact.upper is not None)
    if not bounded_domain and not (math.isfinite(lower) and math.isfinite(upper)):
        return None
    undefined = " or NaN" if any(fact.undefined for fact in facts) else ""
    if all(fact.dtype == "bool" for fact in facts):
        if undefined or lower != upper:
            return None
        return "always true" if lower == 1 else "never true"
    return f"∈ {interval_text(lower, upper)}{undefined}"


def seconds_text(seconds: float) -> str:
    """`12 ms`, `1.5 s`: a duration, not a bound."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _shortened(value: object, limit: int = 120) -> str:
    text = str(value)
    return text if len(text) <= limit else text[:limit] + " …"


def _block(rows: Sequence[tuple[str, str]]) -> str:
    """Rows as an aligned block."""
    width = max((len(heading) for heading, _ in rows), default=0)
    lines = [f"{heading.ljust(width)}  {text}" for heading, text in rows]
    return "\n".join(["```text", *lines, "```"])
