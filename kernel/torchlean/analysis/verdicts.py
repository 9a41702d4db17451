"""What is said of a claim: verdict, evidence, the sentence for people, and its diagnostic."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from torchlean.analysis.result import ClaimResult, Evidence, Verdict
from torchlean.analysis.units import UnitBounds
from torchlean.capture.result import Unit
from torchlean.claims.decide import Decision, Question
from torchlean.diagnostics import Diagnostic, diagnostic
from torchlean.numbers import lower_text
from torchlean.rounding import margin_note

MAX_SHOWN = 8
"""Numbers of a counterexample that a message spells out; the whole input is in the result."""


def claim_result(unit: Unit, question: Question, decision: Decision, error: float = math.inf) -> ClaimResult:
    """The decision in words that claim no more than was shown.

    Args:
        error: how much of the margin the rounding of an execution may take away. A margin is built of differences of
            what is compared, by minima and maxima, and its error is at least the sum of the errors of both sides of
            each difference: a margin above its error leaves every comparison as exact numbers decide it.
    """
    margin = decision.margin if math.isfinite(decision.margin) else None
    if decision.proved:
        detail = (
            f"proved by {_engine(question, decision)}{_boxes(decision)} in exact arithmetic: the margin is at least "
            f"{lower_text(decision.margin)} on the whole domain{margin_note(decision.margin, error)}"
        )
        if not unit.trained:
            detail += "; it holds for every value the untrained weights may be initialised with"
        return ClaimResult(Verdict.PROVED, Evidence.ENGINE, detail, margin, None, decision.seconds)
    if decision.violation is not None:
        example = {name: value.tolist() for name, value in decision.violation.items()}
        detail = f"refuted by a float32 input, executed: {_shown(decision.violation)}"
        return ClaimResult(
            Verdict.REFUTED, Evidence.COUNTEREXAMPLE, detail, margin, example, decision.seconds
        )
    return ClaimResult(
        Verdict.UNKNOWN, Evidence.NONE, _why_unknown(question, decision), margin, None, decision.seconds
    )


def unit_diagnostics(bounded: UnitBounds, claim: ClaimResult | None) -> list[Diagnostic]:
    """What there is to say of a unit as a whole, at its name: a claim's verdict, an input shape found by trial."""
    unit = bounded.part.unit
    if claim is not None:
        if bounded.question is None:
            return [diagnostic("TL303", unit.span, f"{unit.name}: {claim.detail}")]
        return claim_diagnostics(unit, claim)
    if unit.assumed_input and unit.inputs:
        ids = bounded.part.ids
        shapes = " and ".join(str(bounded.part.graph[ids[node]].type) for node in unit.inputs)
        message = (
            f"the input {shapes} of `{unit.name}` is assumed, since nothing in this file says it: "
            "call the module at the top level, or state a claim about it"
        )
        return [diagnostic("TL106", unit.span, message)]
    return []


def claim_diagnostics(unit: Unit, result: ClaimResult) -> list[Diagnostic]:
    """The verdict as a diagnostic on the claim's name, and a warning when the weights were never loaded."""
    code = {Verdict.PROVED: "TL300", Verdict.REFUTED: "TL301", Verdict.UNKNOWN: "TL302"}[result.verdict]
    found = [diagnostic(code, unit.span, f"{unit.name}: {result.detail}")]
    if not unit.trained:
        message = (
            f"{unit.name} speaks about weights that no file was loaded into: every bound holds for all values their "
            "initialiser may draw, and no input can refute it. Load trained weights with `tl.load(module, path)`."
        )
        found.append(diagnostic("TL305", unit.span, message))
    return found


def _why_unknown(question: Question, decision: Decision) -> str:
    tried = (
        f"no violation among {decision.tried} executed inputs, which proves nothing"
        if decision.tried
        else "no input was executed, because weights or values are drawn at random"
    )
    if decision.undefined:
        cause = _first_undefined(question)
        return f"not decided: the value may be undefined (NaN){cause}; {tried}"
    if math.isinf(decision.margin):
        return f"not decided: the bounds are infinite{_first_unbounded(question)}; {tried}"
    if decision.boxes > 1:
        shown = f"{_percent(decision.verified)} of the domain"
        if decision.phased:
            # How much of the domain has the same phases is not known.
            shown = f"{decision.shown:,} of the boxes, which are cut by the signs of relus' operands"
        return (
            f"not decided: after {decision.seconds:.1f} s, {_engine(question, decision)}{_boxes(decision)} show it on "
            f"{shown}; {tried}. More time or a smaller domain may decide it"
        )
    needed = "be positive" if question.margin.strict else "not be negative"
    # Of weights that may be anything, a smaller domain says hardly more.
    advice = ". A smaller domain may be provable" if decision.tried else ""
    return (
        f"not decided: {_engine(question, decision)} only show a margin of at least {lower_text(decision.margin)}, "
        f"and it must {needed}; {tried}{advice}"
    )


def _boxes(decision: Decision) -> str:
    return f" on {decision.boxes:,} boxes" if decision.boxes > 1 else ""


def _percent(share: float) -> str:
    """Rounded down: 99.99 % is not 100 %."""
    return f"{math.floor(share * 1000) / 10:g} %"


def _engine(question: Question, decision: Decision) -> str:
    """What gave the margin's bound."""
    if decision.searched:
        return "linear bounds with optimised slopes"
    crown = any(bound.method == "crown" for bound in question.bounds.bounds)
    return "linear bounds (CROWN)" if crown else "interval bounds"


def _first_undefined(question: Question) -> str:
    graph, bounds = question.margin.graph, question.bounds
    for node in graph:
        if bounds[node.id].undefined:
            reason = bounds.bounds[node.id].reason
            line = f" on line {node.span.line + 1}" if node.span else ""
            return f" from `{node.op}`{line}" + (f" ({reason})" if reason else "")
    return ""


def _first_unbounded(question: Question) -> str:
    for node in question.margin.graph:
        if not question.bounds[node.id].bounded():
            line = f" on line {node.span.line + 1}" if node.span else ""
            return f" from `{node.label or node.op}`{line} on"
    return ""


def _shown(inputs: Mapping[str, Tensor]) -> str:
    parts = []
    for name, value in inputs.items():
        numbers = value.flatten().tolist()
        shown = ", ".join(f"{number:.9g}" for number in numbers[:MAX_SHOWN])
        more = f", … {len(numbers) - MAX_SHOWN} more" if len(numbers) > MAX_SHOWN else ""
        parts.append(f"{name} = [{shown}{more}]")
    return "; ".join(parts)
