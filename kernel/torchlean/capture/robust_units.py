"""A family with one claim for each sample as a unit: its network is called once, on a batch of one sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from torchlean.capture.attempt import isolated
from torchlean.capture.calling import call
from torchlean.capture.habits import begun, tell_habits
from torchlean.capture.result import Family, Unit, UnitKind
from torchlean.capture.unit_parts import followed, is_trained, nodes_below, weights_below
from torchlean.capture.values import TensorValue, Unknown, Value, type_name
from torchlean.claims.domain import Box
from torchlean.claims.errors import ArgumentError, not_scores
from torchlean.claims.samples import check_classes
from torchlean.ops import TensorType

if TYPE_CHECKING:
    from torchlean.capture.families import Batch
    from torchlean.capture.interpreter import Interpreter

INPUT = "x"
"""What the sample is called."""


def batch_unit(run: Interpreter, family: Family, batch: Batch) -> Unit:
    """The unit of a family of robustness claims: its output are the scores of one sample, (1, classes)."""
    samples = batch.samples
    shape = (1, *samples.shape)
    habits = begun(run)
    with run.observer.unit(), isolated(run):
        input = run.emitter.input(INPUT, TensorType(shape, run.default_dtype or torch.float32), 0)
        node = input.node
        result = followed(run, lambda: call(run, batch.body, [input], {}))
        failure = _failure(result, shape)
        outputs = () if failure is not None else (result.node,)
        if failure is None:
            failure = _wrong_label(run, batch, result)
        observations = run.observer.taken()
        below = nodes_below(run, [*outputs, *(seen.node for seen in observations)])
        if failure is None:
            tell_habits(run, family.name, family.span, habits, below)
        hull = samples.hull()
        domain = Box(hull.lower.unsqueeze(0), hull.upper.unsqueeze(0), hull.text, family.span)
        return Unit(
            UnitKind.FAMILY,
            family.name,
            family.span,
            (node,),
            {INPUT: domain},
            outputs,
            (*observations, *weights_below(run, below)),
            failure,
            trained=is_trained(run, below),
            family=family,
            samples=samples,
            sampled=INPUT,
        )


def _failure(result: Value, shape: tuple[int, ...]) -> str | None:
    """Why a result is no row of scores."""
    if isinstance(result, Unknown):
        return result.reason
    if not isinstance(result, TensorValue):
        return not_scores(type_name(result), shape)
    scores = result.shape
    if len(scores) != 2 or scores[0] != 1 or scores[1] < 2 or not result.dtype.is_floating_point:
        return not_scores(f"a tensor {result.type}", shape)
    return None


def _wrong_label(run: Interpreter, batch: Batch, scores: TensorValue) -> str | None:
    labels = batch.samples.labels
    assert labels is not None, "robustness is asked of labelled samples"
    try:
        check_classes(labels, scores.shape[1], batch.file)
    except ArgumentError as error:
        run.report("TL304", str(error), span=batch.place)
        return str(error)
    return None
