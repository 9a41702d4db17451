"""Claims as units: each is called on an input for every box of its domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from torchlean.capture.attempt import isolated
from torchlean.capture.calling import call_function
from torchlean.capture.conditions import is_one_truth
from torchlean.capture.families import STATES, bound_families
from torchlean.capture.gradient_stops import KNOWN
from torchlean.capture.habits import begun, tell_habits
from torchlean.capture.interpreter import ClaimDefinition
from torchlean.capture.operators import binary
from torchlean.capture.result import Family, Unit, UnitKind
from torchlean.capture.robust_units import batch_unit
from torchlean.capture.unit_parts import followed, is_trained, nodes_below, weights_below
from torchlean.capture.values import TensorValue, Unknown, Value, type_name
from torchlean.ops import TensorType

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter
    from torchlean.capture.source_module import SourceModule


def claim_units(run: Interpreter, module: SourceModule) -> list[Unit]:
    """One unit for each claim of the file, in order; names are unique (the last definition wins, as in Python)."""
    last = {_name(claim): claim for claim in run.claims if claim.span.path == run.path}
    families = bound_families(run)
    facts = [
        ClaimDefinition(
            fact.body, fact.domains, bound.span, f"{bound.name}.{fact.name}", fact.executed, bound
        )
        for family in families
        for bound in (family.bound,)
        for fact in family.facts
    ]
    units = [_claim_unit(run, claim) for claim in (*last.values(), *facts)]
    return units + [
        batch_unit(run, family.bound, family.batch) for family in families if family.batch is not None
    ]


def _name(claim: ClaimDefinition) -> str:
    return claim.name or claim.function.name


def _claim_unit(run: Interpreter, claim: ClaimDefinition) -> Unit:
    missing = _without_domain(claim)
    if missing:
        listed = " and ".join(f"`{name}`" for name in missing)
        return Unit(
            UnitKind.CLAIM,
            _name(claim),
            claim.span,
            failure=f"there is no usable domain for {listed}",
            family=claim.family,
        )
    run.state.pop(KNOWN, None)
    habits = begun(run)
    with run.observer.unit(), isolated(run):
        inputs = _inputs(run, claim)
        nodes = tuple(value.node for value in inputs.values())
        run.promises = []
        result = followed(run, lambda: call_function(run, claim.function, [], dict(inputs)))
        promises, run.promises = run.promises, None
        outputs, failure = _outcome(run, _kept(run, result, promises))
        if claim.sampled and failure is None:
            failure = _unsuited(run, claim, outputs[0])
        observations = run.observer.taken()
        below = nodes_below(run, [*outputs, *(seen.node for seen in observations)])
        if failure is None:
            tell_habits(run, _name(claim), claim.span, habits, below)
        name, samples = next(iter(claim.sampled.items()), ("", None))
        return Unit(
            UnitKind.CLAIM if samples is None else UnitKind.FAMILY,
            _name(claim),
            claim.span,
            nodes,
            dict(claim.domains),
            outputs,
            (*observations, *weights_below(run, below)),
            failure,
            trained=is_trained(run, below),
            executed=claim.executed,
            family=claim.family if samples is None else Family(_name(claim), "claim", claim.span),
            samples=samples,
            sampled=name,
            states=run.state.pop(STATES, {}),
        )


def _unsuited(run: Interpreter, claim: ClaimDefinition, holds: int) -> str | None:
    """Why samples cannot be decided together."""
    if not claim.executed:
        return "a claim about the samples of a data file is about executions, not about exact numbers"
    return None if run.builder.nodes[holds].type.numel else "it compares nothing: its result has no element"


def _parameters(claim: ClaimDefinition) -> list[str]:
    parameters = claim.function.node.args
    return [p.arg for p in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)]


def _without_domain(claim: ClaimDefinition) -> list[str]:
    """Parameters that need a value and have none; each was reported where it stands."""
    names = _parameters(claim)
    return [name for name in names if name not in claim.domains and name not in claim.function.defaults]


def _inputs(run: Interpreter, claim: ClaimDefinition) -> dict[str, TensorValue]:
    """An input node for each parameter with a domain."""
    dtype = run.default_dtype or torch.float32
    names = _parameters(claim)
    inputs: dict[str, TensorValue] = {}
    for position, name in enumerate(name for name in names if name in claim.domains):
        type = TensorType(tuple(claim.domains[name].shape), claim.domains[name].dtype or dtype)
        inputs[name] = run.emitter.input(name, type, position)
    return inputs


def _kept(run: Interpreter, result: Value, promises: list[Value]) -> Value:
    """A claim that raises is not true: its result and all that keeps it from raising."""
    if isinstance(result, bool):
        result = run.emitter.constant(torch.tensor(result))
    if not isinstance(result, TensorValue) or result.dtype != torch.bool:
        return result
    for promise in promises:
        if not is_one_truth(promise):
            reason = promise.reason if isinstance(promise, Unknown) else "a condition that is not a bool"
            return Unknown(f"it may raise an exception: {reason}", run.place(), reported=True)
        result = binary(run, "and", result, promise)
    return result


def _outcome(run: Interpreter, result: Value) -> tuple[tuple[int, ...], str | None]:
    """The claim's output node, or why there is none."""
    if isinstance(result, TensorValue):
        if result.dtype != torch.bool:
            return (
                (),
                f"it returns a tensor {result.type}: a claim returns a comparison, such as `net(x) <= 4.0`",
            )
        return (result.node,), None
    if isinstance(result, bool):
        return (run.emitter.constant(torch.tensor(result)).node,), None
    if isinstance(result, Unknown):
        return (), result.reason
    return (), f"it returns {type_name(result)}: a claim returns a comparison, such as `net(x) <= 4.0`"
