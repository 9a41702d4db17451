"""What a user's file reaches under `import torchlean as tl`: domains and claims (weights: `loading`).

The analysis reads these calls and never runs them; `claims/plain.py` and `claims/api.py` are the same functions at run
time, with the same words for the same mistakes.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from torchlean.capture.interpreter import ClaimDefinition
from torchlean.capture.places import argument_span
from torchlean.capture.values import Native, TensorValue, Unknown, UserFunction, Value, native, type_name
from torchlean.claims import domain
from torchlean.claims.domain import Box, DomainError
from torchlean.claims.errors import (
    ARITHMETICS,
    DTYPE_OF_FILE,
    bad_arithmetic,
    bad_dtype,
    missing_domain,
    no_inputs,
    not_a_domain,
    second_file,
    unknown_argument,
)
from torchlean.claims.samples import Samples

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter
    from torchlean.source import Span


@native("torchlean.box")
def box(run: Interpreter, lo: Value, hi: Value, *, shape: Value = None, dtype: Value = None) -> Value:
    """`tl.box(lo, hi)`: see `torchlean.claims.plain.box`."""
    ends = []
    for name, value in (("lo", lo), ("hi", hi)):
        end = _numbers(run, value, {"lo": "lower end", "hi": "upper end"}[name], name)
        if isinstance(end, Unknown):
            return end
        ends.append(end)
    try:
        if shape is not None:
            ends = _shaped(ends, shape)
        low, high = ends
        return domain.box(low, high, written(run), run.place(), _dtype(dtype))
    except DomainError as error:
        return bad_domain(run, str(error), culprit(str(error)))


@native("torchlean.ball")
def ball(run: Interpreter, center: Value, eps: Value, *, clip: Value = None, dtype: Value = None) -> Value:
    """`tl.ball(center, eps, clip=(lo, hi))`: see `torchlean.claims.plain.ball`.

    Given the path of a data file, the balls around its samples.
    """
    if isinstance(center, (str, os.PathLike)):
        if dtype is not None:
            return bad_domain(run, DTYPE_OF_FILE, "dtype")
        from torchlean.capture.torchlean_robust import read_samples

        return read_samples(run, center, eps, "linf", clip, labelled=False, positions={"data": 0, "eps": 1})
    middle = _numbers(run, center, "center", "center")
    if isinstance(middle, Unknown):
        return middle
    radius = known_number(run, eps)
    if radius is None:
        return bad_domain(run, f"the radius must be a number, got {shown(eps)}", "eps")
    try:
        return domain.ball(middle, radius, clip_ends(run, clip), written(run), run.place(), _dtype(dtype))
    except DomainError as error:
        return bad_domain(run, str(error), culprit(str(error)))


def _dtype(dtype: Value) -> torch.dtype | None:
    """The input's type.

    Raises:
        DomainError: it is something else.
    """
    if dtype is None or isinstance(dtype, torch.dtype):
        return dtype
    raise DomainError(bad_dtype(shown(dtype)))


def clip_ends(run: Interpreter, clip: Value) -> tuple[float, float] | None:
    """The two ends of `clip`, None where there is none.

    Raises:
        DomainError: it is something else.
    """
    if clip is None:
        return None
    numbers = [known_number(run, end) for end in clip] if isinstance(clip, (tuple, list)) else []
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        raise DomainError(f"clip must be two numbers (lo, hi), got {shown(clip)}")
    return numbers[0], numbers[1]


def culprit(message: str) -> str | None:
    """The argument that a message of `claims.domain` speaks about; None where it is the call as a whole."""
    if message.startswith("the lower end is"):
        return "lo"
    if message.startswith("the upper end is"):
        return "hi"
    if message.startswith("the radius"):
        return "eps"
    if message.startswith("dtype"):
        return "dtype"
    return "clip" if message.startswith("clip") else None


POSITIONS: Mapping[str, int] = {"lo": 0, "hi": 1, "center": 0, "eps": 1}
"""Of the arguments of `box` and `ball`."""


def bad_domain(
    run: Interpreter, message: str, argument: str | None, positions: Mapping[str, int] = POSITIONS
) -> Unknown:
    """Report a wrong argument where it is written, given the positions of the call's arguments."""
    span = None if argument is None else argument_span(run, positions.get(argument), argument)
    return refused(run, message, span)


def refused(run: Interpreter, message: str, span: Span | None) -> Unknown:
    """Report that a domain or a family makes no sense."""
    run.report("TL304", message, span=span)
    return Unknown(message, run.place(), reported=True)


def first_unknown(
    run: Interpreter, function: str, arguments: Mapping[str, Value], positions: Mapping[str, int]
) -> Unknown | None:
    """Why the call makes nothing, if one of its arguments is not known; told where it stands, unless it was before."""
    for name, value in arguments.items():
        if isinstance(value, Unknown):
            if not value.reported:
                bad_domain(run, f"`{name}` of tl.{function} is not known: {value.reason}", name, positions)
            return Unknown(value.reason, run.place(), reported=True)
    return None


def written(run: Interpreter) -> str:
    """The call as written, without the module's name."""
    label = run.label()
    return label[label.find(".") + 1 :] if label.partition("(")[0].count(".") == 1 else label


def shown(value: Value) -> str:
    """A value as messages name it."""
    return repr(value) if isinstance(value, (str, int, float, tuple, list)) else f"a {type_name(value)}"


def known_number(run: Interpreter, value: Value) -> float | None:
    """A plain number, or a tensor that is one and known; None for anything else."""
    if isinstance(value, TensorValue):
        known = run.emitter.value_of(value)
        return float(known) if known is not None and known.numel() == 1 else None
    return float(value) if isinstance(value, (int, float)) else None


def _numbers(run: Interpreter, value: Value, what: str, argument: str) -> Tensor | Unknown:
    """Numbers, nested lists of them and known tensors, as one float64 tensor."""
    try:
        return _tensor(run, value, what)
    except DomainError as error:
        return bad_domain(run, str(error), argument)


def _tensor(run: Interpreter, value: Value, what: str) -> Tensor:
    if isinstance(value, TensorValue):
        known = run.builder.nodes[value.node].data
        known = run.emitter.value_of(value) if known is None else known
        if known is None:
            raise DomainError(f"the {what} is a tensor whose numbers are not known before the program runs")
        return known.to(torch.float64)
    if isinstance(value, (int, float)):
        return torch.tensor(float(value), dtype=torch.float64)
    if not isinstance(value, (list, tuple)):
        raise DomainError(f"the {what} must be a number, a list of numbers or a tensor, got {shown(value)}")
    rows = [_tensor(run, row, what) for row in value]
    for place, row in enumerate(rows):
        if row.shape != rows[0].shape:
            raise DomainError(
                f"the {what} is ragged: shape {tuple(rows[0].shape)} at 0, but {tuple(row.shape)} at {place}"
            )
    return torch.stack(rows) if rows else torch.zeros(0, dtype=torch.float64)


def _shaped(ends: list[Tensor], shape: Value) -> list[Tensor]:
    """Both ends broadcast to the shape that was asked for."""
    wanted = (shape,) if isinstance(shape, int) else shape
    if not isinstance(wanted, (tuple, list)) or not all(isinstance(n, int) and n >= 0 for n in wanted):
        raise DomainError(f"shape must be a tuple of sizes, got {shown(shape)}")
    try:
        return [end.expand(tuple(wanted)) for end in ends]
    except RuntimeError as error:
        shapes = " and ".join(str(tuple(end.shape)) for end in ends)
        raise DomainError(f"ends of shape {shapes} do not broadcast to shape={tuple(wanted)}") from error


# -- claims --------------------------------------------------------------------------------------------------------


@native("torchlean.claim", unknowns=True)
def claim(run: Interpreter, *misplaced: Value, arithmetic: Value = ARITHMETICS[0], **domains: Value) -> Value:
    """`@tl.claim(x=domain, ...)`: registers the function below it."""
    if not isinstance(arithmetic, str) or arithmetic not in ARITHMETICS:
        message = bad_arithmetic(shown(arithmetic))
        run.report("TL304", message, span=argument_span(run, None, "arithmetic"))
    spans = {name: argument_span(run, None, name) for name in domains}
    keywords = {name: _keyword_span(run, name) for name in domains}
    if misplaced:
        example = "write `@tl.claim(x=tl.box(lo, hi))`, with the name of each argument of the function"
        run.report("TL304", f"tl.claim takes domains by the names of the function's arguments: {example}")
        return (
            misplaced[0] if isinstance(misplaced[0], UserFunction) else Native("torchlean.claim", _identity)
        )

    def decorate(run: Interpreter, function: Value) -> Value:
        return _decorated(run, function, domains, spans, keywords, arithmetic != "real")

    return Native("torchlean.claim", decorate)


def _identity(run: Interpreter, function: Value) -> Value:
    return function


def _keyword_span(run: Interpreter, name: str) -> Span | None:
    """Where the name of a keyword argument stands."""
    node, frame = run.node, run.frame
    if frame is None or not isinstance(node, ast.Call):
        return None
    found = next((keyword for keyword in node.keywords if keyword.arg == name), None)
    return None if found is None else frame.module.span(found)


def _decorated(
    run: Interpreter,
    function: Value,
    domains: dict[str, Value],
    spans: dict[str, Span | None],
    keywords: dict[str, Span | None],
    executed: bool,
) -> Value:
    if not isinstance(function, UserFunction) or isinstance(function.node, ast.Lambda):
        run.report("TL304", f"tl.claim decorates a function, not a {type_name(function)}")
        return function
    parameters = _parameters(function)
    boxes: dict[str, Box] = {}
    sampled: dict[str, Samples] = {}
    for name, value in domains.items():
        if name not in parameters:
            message = unknown_argument(function.name, name, parameters)
            run.report("TL304", message, span=keywords[name])
        elif isinstance(value, Unknown):
            if not value.reported:
                run.report("TL304", f"the domain of `{name}` is not known: {value.reason}", span=spans[name])
        elif isinstance(value, Samples) and not sampled:
            boxes[name] = value.hull()
            sampled[name] = value
        elif isinstance(value, Samples):
            run.report("TL304", second_file(next(iter(sampled)), name), span=spans[name])
        elif not isinstance(value, Box):
            run.report("TL304", not_a_domain(name, shown(value)), span=spans[name])
        else:
            boxes[name] = value
    _check_complete(run, function, parameters, domains)
    run.claims.append(
        ClaimDefinition(function, boxes, _name_span(function), executed=executed, sampled=sampled)
    )
    _hide_run_time(run, function)
    return function


def _parameters(function: UserFunction) -> dict[str, ast.arg]:
    arguments = function.node.args
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return {parameter.arg: parameter for parameter in listed}


def _check_complete(
    run: Interpreter, function: UserFunction, parameters: dict[str, ast.arg], domains: dict[str, Value]
) -> None:
    """Every argument without a default needs a domain; a claim about nothing is none."""
    if not parameters:
        run.report("TL304", no_inputs(function.name), span=_name_span(function))
    for name, parameter in parameters.items():
        if name not in domains and name not in function.defaults:
            run.report("TL304", missing_domain(function.name, name), span=function.module.span(parameter))


def _hide_run_time(run: Interpreter, function: UserFunction) -> None:
    """At run time a claim is an object with a few attributes, none of which changes a tensor."""
    for name in ("sample", "domains", "arithmetic"):
        function.attributes[name] = Unknown(f"`{name}` of a claim belongs to the run time", run.place())


def _name_span(function: UserFunction) -> Span:
    assert not isinstance(function.node, ast.Lambda)
    return function.module.name_span(function.node)
