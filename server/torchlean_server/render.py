"""The texts that people read in hovers, hints and lenses. No text claims more than its evidence.

Numbers go through `torchlean.numbers`, which rounds outward.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from torchlean.analysis.result import (
    Agreement,
    ClaimResult,
    Evidence,
    Extent,
    FamilyResult,
    TensorFact,
    UnitResult,
    Verdict,
)
from torchlean.analysis.wording import domain_text, extent_text, inputs_text, interval, rounding_rows
from torchlean.numbers import interval_text, lower_text
from torchlean_server.lean import words
from torchlean_server.proofs import Proof

MAX_FACTS = 3
"""Executions of one place that a hover spells out."""

LONGEST = 80
"""Characters of a domain or an input that a lens shows: it stands in one line with more to say."""

SLOW = 1.0
"""Seconds from which on a hover tells how long a verdict took."""

_METHODS = {
    "ibp": "interval bound propagation",
    "crown": "backward linear bounds (CROWN)",
    "alpha": "backward linear bounds with optimised slopes (alpha-CROWN)",
    "forward": "forward linear bounds",
}

_VERDICTS = {Verdict.PROVED: "proved", Verdict.REFUTED: "refuted", Verdict.UNKNOWN: "not decided"}

_ANSWERS = {Verdict.PROVED: "holds", Verdict.REFUTED: "violated", Verdict.UNKNOWN: "not decided"}
"""Of properties, whose files say what must not happen."""

_EVIDENCE = {
    Evidence.KERNEL: "kernel (accepted by the Lean kernel)",
    Evidence.ENGINE: "engine (outward-rounded arithmetic, not re-checked)",
    Evidence.COUNTEREXAMPLE: "counterexample (a float32 input that was executed)",
    Evidence.NONE: "",
}


def shape_text(shape: Sequence[int]) -> str:
    """As Python writes tuples: `(2,)`."""
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def place_text(label: str, facts: Sequence[TensorFact]) -> str:
    """Markdown: what stands at a place, one block per execution."""
    title = f"**`{label or facts[0].label or facts[0].op}`**"
    if len(facts) > 1:
        title += f", executed {len(facts)} times"
        together = hint_text(facts, bounded_domain=True)
        if together is not None:
            title += f", altogether `{together}`"
    return "\n\n".join([title, *_first_blocks(facts, fact_rows)])


def parameters_text(label: str, facts: Sequence[TensorFact]) -> str:
    """Markdown: the weights and buffers that a place makes, one block each under its own name."""
    blocks = _first_blocks(facts, lambda fact: [("name", fact.label or label), *fact_rows(fact)])
    title = "weights" if len(facts) > 1 else f"`{facts[0].label or label}`"
    return "\n\n".join([f"**{title}**", *blocks])


def _first_blocks(
    facts: Sequence[TensorFact], rows: Callable[[TensorFact], list[tuple[str, str]]]
) -> list[str]:
    more = len(facts) - MAX_FACTS
    blocks = [_block(rows(fact)) for fact in facts[:MAX_FACTS]]
    return [*blocks, f"and {more} more"] if more > 0 else blocks


def fact_rows(fact: TensorFact) -> list[tuple[str, str]]:
    """(heading, text) of what is known of one tensor."""
    rows = [("op", fact.op), ("shape", shape_text(fact.shape)), ("dtype", fact.dtype)]
    rows += bounds_rows(fact)
    return rows


def bounds_rows(fact: TensorFact) -> list[tuple[str, str]]:
    """(heading, text) of the numbers, as far as there are any."""
    if fact.lower is None or fact.upper is None:
        return [("bounds", f"none: {fact.reason}")] if fact.reason else []
    rows = [("value", _truth(fact))] if fact.dtype == "bool" else [("interval", interval(fact))]
    # A single element says no more than the interval above it.
    several = fact.widest and math.prod(fact.shape) > 1 and fact.dtype != "bool"
    if several and fact.lower < fact.upper:
        width = max(len(str(list(element.index))) for element in fact.widest)
        for heading, element in zip(["widest", "", ""], fact.widest, strict=False):
            index = str(list(element.index)).ljust(width)
            rows.append((heading, f"{index} ∈ {interval_text(element.lower, element.upper)}"))
    rows += rounding_rows(fact)
    if fact.reason:
        rows.append(("reason", fact.reason))
    return rows


def _truth(fact: TensorFact) -> str:
    """Bounds of a boolean tensor in words."""
    if fact.undefined or fact.lower != fact.upper:
        return "true or false: these bounds do not decide it"
    return "true" if fact.lower == 1 else "false"


def method_text(fact: TensorFact) -> str:
    """How the bounds were found, what intervals alone would say where that is much less, and what is not covered."""
    method = _METHODS.get(fact.method, fact.method)
    if fact.from_linear_bounds:
        method = "interval arithmetic on linear bounds"
    line = f"by {method}, rounded outward{_rounding_note(fact)}"
    if fact.alone is None or not fact.much_tighter:
        return line
    return f"{line}  \nintervals alone: {_alone(fact.alone, fact.dtype)}"


def _rounding_note(fact: TensorFact) -> str:
    """What the interval itself leaves out."""
    if fact.rounding is None or not math.isfinite(fact.rounding.error):
        return "; float32 rounding not included"
    return f"; {fact.dtype} rounding comes on top" if fact.rounding.error > 0 and fact.dtype != "bool" else ""


def _alone(extent: Extent, dtype: str) -> str:
    if dtype == "bool":
        return "true or false"
    return f"`{extent_text(extent.lower, extent.upper, extent.undefined)}`"


def claim_text(unit: UnitResult, proof: Proof | None = None) -> str:
    """Markdown for the name of a claim: its verdict, what shows it, what Lean says, and for which inputs."""
    claim = unit.claim
    if unit.failure:
        return "\n\n".join([f"**claim `{unit.name}`** cannot be analysed", unit.failure])
    if claim is None:
        head = f"**claim `{unit.name}`**: being checked"
        return "\n\n".join([head, *filter(None, [unit.reached]), inputs_text(unit)])
    evidence = words.evidence(proof) if claim.evidence is Evidence.ENGINE else _EVIDENCE[claim.evidence]
    last = [f"evidence: {evidence}"] if evidence else []
    if unit.domains:
        last.append(inputs_text(unit))
    if claim.seconds >= SLOW:
        last.append(f"decided in {seconds_text(claim.seconds)}")
    last.append(agreement_text(unit))
    head = f"**claim `{unit.name}`: {_VERDICTS[claim.verdict]}**"
    return "\n\n".join([head, claim.detail[:1].upper() + claim.detail[1:], "  \n".join(last)])


def family_title(family: FamilyResult, facts: Sequence[tuple[UnitResult, Proof | None]]) -> str:
    """Counts, or the verdict of each fact, for a lens: `inside proved (engine), inner not decided`."""
    if not facts:
        return family.text
    words = [f"{fact.name.removeprefix(family.name + '.')} {_verdict(fact, proof)}" for fact, proof in facts]
    return ", ".join(words)


def family_text(family: FamilyResult, facts: Sequence[tuple[UnitResult, Proof | None]]) -> str:
    """Markdown for the name of a family: what it came to, what that means, and each fact's own verdict."""
    parts = [f"**{family.kind} `{family.name}`**: {family.text}"]
    if family.detail:
        parts.append(family.detail)
    parts += [claim_text(fact, proof) for fact, proof in facts]
    if family.seconds >= SLOW:
        parts.append(f"decided in {seconds_text(family.seconds)}")
    return "\n\n".join(parts)


def module_text(unit: UnitResult, speaker: UnitResult) -> str:
    """Markdown for the name of a module. `speaker` is the unit whose domain its lines are shown for."""
    parts = [f"**module `{unit.summary or unit.name}`**: {_parameters(unit)}"]
    if unit.failure:
        parts.append(f"not followed to the end: {unit.failure}")
    parts.append(f"intervals inside are shown {domain_text(speaker)}")
    if unit.agreement is not None:
        parts.append(agreement_text(unit))
    return "\n\n".join(parts)


def claim_title(unit: UnitResult, proof: Proof | None = None) -> str:
    """A verdict in a few words, for a lens."""
    claim = unit.claim
    if unit.failure:
        return "cannot be analysed"
    if claim is None:
        return f"being checked · {unit.reached}" if unit.reached else "being checked"
    parts = [_verdict(unit, proof)]
    if claim.counterexample:
        parts += [_shortened(f"{name} = {value}") for name, value in claim.counterexample.items()]
    elif claim.margin is not None:
        parts.append(f"margin ≥ {lower_text(claim.margin)}")
    if unit.agreement is not None:
        parts.append(_agreement_title(unit.agreement))
    return " · ".join(parts)


def agreement_text(unit: UnitResult) -> str:
    """Whether the program was run beside its graph, and what came of it."""
    return "not compared with torch" if unit.agreement is None else unit.agreement.text


def _agreement_title(agreement: Agreement) -> str:
    """The same in a few words, for a lens."""
    return f"agrees with torch {agreement.torch}" if agreement.agrees else "the program does something else"


def _verdict(unit: UnitResult, proof: Proof | None) -> str:
    """A verdict with its evidence."""
    claim = unit.claim
    if unit.failure:
        return "cannot be analysed"
    if claim is None:
        return "being checked"
    if claim.evidence is Evidence.ENGINE:
        return words.verdict(proof)
    evidence = "" if claim.evidence is Evidence.NONE else f" ({claim.evidence.value})"
    return _VERDICTS[claim.verdict] + evidence


def property_title(unit: UnitResult) -> str:
    """The verdict of a property file in a few words: `holds (engine, 0.8 s) · a.onnx, 1 region`."""
    claim = unit.claim
    if unit.failure:
        return f"cannot be decided · {unit.failure.splitlines()[0]}"
    if claim is None:
        return f"being checked · {unit.reached or unit.summary}"
    evidence = f"{claim.evidence.value}, " if claim.evidence is not Evidence.NONE else ""
    return f"{_ANSWERS[claim.verdict]} ({evidence}{seconds_text(claim.seconds)}) · {unit.summary}"


def property_text(unit: UnitResult) -> str:
    """Markdown for the place where a property's network is named: its verdict and what shows it."""
    claim = unit.claim
    head = f"**property `{unit.name}`**"
    if unit.failure:
        return f"{head} cannot be decided\n\n{unit.failure}"
    if claim is None:
        return "\n\n".join([f"{head}: being checked", *filter(None, [unit.reached, unit.summary])])
    parts = [
        f"**property `{unit.name}`: {_ANSWERS[claim.verdict]}**",
        claim.detail[:1].upper() + claim.detail[1:],
    ]
    if _EVIDENCE[claim.evidence]:
        parts.append(f"evidence: {_EVIDENCE[claim.evidence]}")
    return "\n\n".join([*parts, f"{unit.summary}, {seconds_text(claim.seconds)}"])


def module_title(unit: UnitResult, speaker: UnitResult) -> str:
    """The instance, its parameters and the domain that its lines are shown for, for a lens."""
    parts = [f"{unit.summary or unit.name}: {_parameters(unit)}"]
    if speaker.domains:
        inputs = ", ".join(_shortened(f"{name} ∈ {text}") for name, text in speaker.domains)
        parts.append(inputs if speaker is unit else f"{inputs} ({speaker.kind} {speaker.name})")
    elif unit.assumed_input:
        parts.append("input shape assumed")
    if unit.failure:
        parts.append("not followed to the end")
    if unit.agreement is not None:
        parts.append(_agreement_title(unit.agreement))
    return " · ".join(parts)


def _parameters(unit: UnitResult) -> str:
    return f"{unit.parameters:,} parameter{'' if unit.parameters == 1 else 's'}"


def tally_title(claims: Sequence[ClaimResult | None], proofs: Sequence[Proof | None] = ()) -> str:
    """Many claims of one family in a few words: `7 proved (5 by the Lean kernel) · 1 refuted · 2 not decided of 10`."""
    kernel = sum(proof is not None and proof.accepted for proof in proofs)
    counts = [(sum(c is not None and c.verdict is v for c in claims), _VERDICTS[v]) for v in Verdict]
    counts.append((sum(c is None for c in claims), "being checked"))
    title = " · ".join(f"{count} {word}" for count, word in counts if count) + f" of {len(claims)}"
    return title.replace(" proved", f" proved ({kernel} by the Lean kernel)", 1) if kernel else title


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


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


def _block(rows: Sequence[tuple[str, str]]) -> str:
    """Rows as an aligned block."""
    width = max((len(heading) for heading, _ in rows), default=0)
    lines = [f"{heading.ljust(width)}  {text}" for heading, text in rows]
    return "\n".join(["```text", *lines, "```"])
