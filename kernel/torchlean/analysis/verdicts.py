"""What is said of a claim: verdict, evidence, the sentence for people, and its diagnostic."""

from __future__ import annotations

import math
from collections.abc import Mapping

from torch import Tensor

from torchlean.analysis.counterexamples import Replay, inputs_text
from torchlean.analysis.result import ClaimResult, Evidence, Verdict
from torchlean.analysis.units import UnitBounds
from torchlean.capture.result import Unit
from torchlean.claims.decide import Decision, Question, exact_least, rounding_at
from torchlean.claims.margin import shown
from torchlean.diagnostics import Diagnostic, diagnostic
from torchlean.graph import Node
from torchlean.numbers import lower_text, share_below, upper_text
from torchlean.ops.op import dtype_name
from torchlean.rounding import margin_note
from torchlean.rounding.margins import DIGITS


def claim_result(unit: Unit, question: Question, decision: Decision, error: float = math.inf) -> ClaimResult:
    """The decision in words that claim no more than was shown.

    Args:
        error: how much of the margin the rounding of an execution may take away, to be told beside a proof about exact
            numbers; infinite where that is not known.
    """
    margin = decision.margin if math.isfinite(decision.margin) else None
    if decision.proved:
        detail = _proof(question, decision, error)
        if not unit.trained:
            detail += "; it holds for every value the untrained weights may be initialised with"
        return ClaimResult(Verdict.PROVED, Evidence.ENGINE, detail, margin, None, decision.seconds)
    if decision.violation is not None:
        example = {name: value.tolist() for name, value in decision.violation.items()}
        detail = _refutation(question, decision, decision.violation)
        return ClaimResult(
            Verdict.REFUTED, Evidence.COUNTEREXAMPLE, detail, margin, example, decision.seconds
        )
    code = "TL302" if decision.finished else "TL306"
    if decision.exact is not None:
        code = "TL307"
    why = _why_unknown(question, decision)
    return ClaimResult(Verdict.UNKNOWN, Evidence.NONE, why, margin, None, decision.seconds, code=code)


def _proof(question: Question, decision: Decision, error: float) -> str:
    by = f"proved by {_engine(question, decision)}{_boxes(decision)}"
    shown = f"the margin is at least {lower_text(decision.margin)} on the whole domain"
    if not question.executed:
        return f"{by} in exact arithmetic: {shown}{margin_note(decision.margin, error)}"
    return f"{by} for every {_floats(question)} execution: {shown}{_taken(decision.lost)}"


def _taken(lost: float) -> str:
    if lost == 0:
        return ", and rounding takes nothing off it"
    # Alternatives without a bound of their rounding do not count in a disjunction that others prove.
    return f", with at most {upper_text(lost, DIGITS)} taken off for rounding" if math.isfinite(lost) else ""


def _floats(question: Question) -> str:
    """What executions compute in."""
    used = {node.type.dtype for node in question.margin.graph.nodes[: question.own]}
    found = sorted(str(dtype).removeprefix("torch.") for dtype in used if dtype.is_floating_point)
    return "/".join(found) if found else "float32"


def _input(violation: Mapping[str, Tensor]) -> str:
    """`a float32 input`, `an int8 input`: by the types of its tensors."""
    name = "/".join(sorted({dtype_name(value.dtype) for value in violation.values()}))
    return f"an {name} input" if name.startswith("int") else f"a {name} input"


def _refutation(question: Question, decision: Decision, violation: Mapping[str, Tensor]) -> str:
    replay = Replay(question, violation)
    assert decision.at_violation is not None, "a violation comes with exact bounds"
    least, greatest = decision.at_violation
    if not question.executed:
        detail = f"refuted by {_input(violation)}, in exact arithmetic: {inputs_text(violation)}"
        detail += f", where the margin is at most {upper_text(greatest)}"
        return detail + ("; its float32 execution does not show it" if replay.holds else "")
    detail = f"refuted by {_input(violation)}, executed: {inputs_text(violation)}{replay.text}"
    return detail + _of_other_executions(question, least, greatest, rounding_at(question, violation))


def _of_other_executions(question: Question, least: float, greatest: float, lost: float) -> str:
    """Whether some execution may keep the claim where one broke it: no two orders of summation round alike, and
    libraries compute some functions in other steps than the graph.

    Args:
        least, greatest: bounds of the exact margin there.
        lost: how far an execution may be from it.
    """
    if least > 0 or shown(least, question.margin):
        why = f"only rounding makes it fail there: in exact arithmetic the margin is at least {lower_text(least)}"
    elif math.isinf(greatest):
        return ""
    elif math.isinf(lost):
        return "; how other executions round there is not known"
    elif shown(greatest if lost == 0 else math.nextafter(greatest + lost, math.inf), question.margin):
        why = f"rounding decides there: in exact arithmetic the margin is at most {upper_text(greatest)}"
    else:
        return ""
    return f"; {why}. Executions in another order, or by another library, may keep it there"


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


def code_of(result: ClaimResult) -> str:
    """The code of a verdict."""
    return {Verdict.PROVED: "TL300", Verdict.REFUTED: "TL301", Verdict.UNKNOWN: result.code}[result.verdict]


def claim_diagnostics(unit: Unit, result: ClaimResult) -> list[Diagnostic]:
    """The verdict as a diagnostic on the claim's name, and a warning when the weights were never loaded."""
    found = [diagnostic(code_of(result), unit.span, f"{unit.name}: {result.detail}")]
    if not unit.trained:
        message = (
            f"{unit.name} speaks about weights that no file was loaded into: every bound holds for all values their "
            "initialiser may draw, and no input can refute it. Load trained weights with `tl.load(module, path)`."
        )
        found.append(diagnostic("TL305", unit.span, message))
    return found


def _tried(question: Question, decision: Decision) -> str:
    if decision.tried:
        return f"no violation among {decision.tried} executed inputs, which proves nothing"
    drawn = any(node.op == "random" for node in question.margin.graph)
    why = (
        "weights or values are drawn at random"
        if drawn
        else "the domain contains no number of the inputs' dtypes"
    )
    return f"no input was executed, because {why}"


def _why_unknown(question: Question, decision: Decision) -> str:
    if decision.raises is not None:
        id, reason = decision.raises
        node = question.margin.graph[id]
        return (
            f"not decided: `{node.op}`{_on_line(node)} may raise an error on inputs of the domain ({reason}), "
            "where the claim is neither true nor false. State it of a smaller domain"
        )
    tried = _tried(question, decision)
    if decision.undefined:
        cause = _first_undefined(question)
        return f"not decided: the value may be undefined (NaN){cause}; {tried}"
    if question.executed and decision.exact is not None:
        return _only_exact(question, decision, tried)
    if decision.elsewhere is not None:
        return _elsewhere(question, decision, decision.elsewhere, tried)
    exact = exact_least(question)
    if math.isinf(exact) and math.isinf(decision.margin):
        return f"not decided: the bounds are infinite{_first_unbounded(question)}; {tried}"
    if decision.boxes > 1:
        shown = f"{share_below(decision.verified)} of the domain"
        if decision.phased:
            # How much of the domain has the same phases is not known.
            shown = f"{decision.shown:,} of the boxes, which are cut by the signs of relus' operands"
        advice = "More time or a smaller domain may decide it"
        if decision.finished:
            advice = "More time would not decide it; a smaller domain may"
        return (
            f"not decided: after {decision.seconds:.1f} s, {_engine(question, decision)}{_boxes(decision)} show it on "
            f"{shown}; {tried}. {advice}"
        )
    needed = "be positive" if question.margin.strict else "not be negative"
    # Of weights that may be anything, a smaller domain says hardly more.
    advice = ". A smaller domain may be provable" if decision.tried else ""
    # Where nothing is known of executions, the bound is of exact numbers.
    least = decision.margin if math.isfinite(decision.margin) else exact
    rounding = "" if math.isfinite(decision.lost) else f", and {_not_known(decision)}"
    return (
        f"not decided: {_engine(question, decision)} only show a margin of at least {lower_text(least)}, "
        f"and it must {needed}{rounding}; {tried}{advice}"
    )


def _only_exact(question: Question, decision: Decision, tried: str) -> str:
    """Exact numbers keep the claim, and executions may not."""
    assert decision.exact is not None
    rounding = f"rounding in {_floats(question)} may take away {upper_text(decision.lost, DIGITS)}"
    if not math.isfinite(decision.lost):
        rounding = _not_known(decision)
    return (
        f"not decided: {_engine(question, decision)} show a margin of at least {lower_text(decision.exact)} in exact "
        f"arithmetic, but {rounding}; {tried}. Leave more room, or state it of exact numbers with "
        '`arithmetic="real"`'
    )


def _not_known(decision: Decision) -> str:
    because = f" ({decision.reason})" if decision.reason else ""
    return f"how much rounding takes off is not known{because}"


def _elsewhere(question: Question, decision: Decision, inputs: Mapping[str, Tensor], tried: str) -> str:
    """An input that violates the claim only in the arithmetic that it is not about."""
    if not question.executed:
        return (
            f"not decided: the float32 execution of {inputs_text(inputs)} violates it{Replay(question, inputs).text}, "
            f"which says nothing of exact numbers; {tried}"
        )
    assert decision.at_violation is not None
    return (
        f"not decided: in exact arithmetic it is false at {inputs_text(inputs)}, where the margin is at most "
        f"{upper_text(decision.at_violation[1])}, so that no bounds can prove it. Executions round so that they keep "
        f"it there: {tried}"
    )


def _boxes(decision: Decision) -> str:
    return f" on {decision.boxes:,} boxes" if decision.boxes > 1 else ""


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
            return f" from `{node.op}`{_on_line(node)}" + (f" ({reason})" if reason else "")
    return ""


def _first_unbounded(question: Question) -> str:
    for node in question.margin.graph:
        if not question.bounds[node.id].bounded():
            return f" from `{node.label or node.op}`{_on_line(node)} on"
    return ""


def _on_line(node: Node) -> str:
    return f" on line {node.span.line + 1}" if node.span else ""
