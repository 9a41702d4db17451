"""Modules as units: a class needs an object and an input, found in the file or inferred by trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from torchlean.capture.attempt import checkpoint, isolated
from torchlean.capture.binding import ArgumentError, bind
from torchlean.capture.calling import call
from torchlean.capture.certainty import Trial, certain_errors, depends_on_values, passes_through
from torchlean.capture.emitter import TensorTooLarge
from torchlean.capture.input_shapes import candidates
from torchlean.capture.outline import file_modules
from torchlean.capture.result import Observation, Unit, UnitKind
from torchlean.capture.unit_parts import (
    children,
    followed,
    is_trained,
    nodes_below,
    outputs_of,
    parameter_count,
    tensors_of,
    weights_below,
)
from torchlean.capture.values import (
    Instance,
    TensorValue,
    Unknown,
    UserClass,
    UserFunction,
    Value,
    contains_unknown,
)
from torchlean.diagnostics import Diagnostic
from torchlean.ops import TensorType

if TYPE_CHECKING:
    from torchlean.capture.environment import Environment
    from torchlean.capture.interpreter import Interpreter
    from torchlean.capture.source_module import SourceModule


def module_units(run: Interpreter, module: SourceModule, environment: Environment) -> list[Unit]:
    """One unit for each module class of the file."""
    return [_unit(run, module, cls) for cls in file_modules(run, module)]


def _unit(run: Interpreter, module: SourceModule, cls: UserClass) -> Unit:
    span = module.name_span(cls.node)
    with run.observer.unit(), isolated(run):
        if not _defines_forward(cls):
            return Unit(UnitKind.MODULE, cls.name, span, failure="it defines no `forward`", summary=cls.name)
        called = next((c for c in run.calls if c.instance.cls is cls), None)
        if called is not None:
            return _called_unit(run, cls, called)
        instance, summary = _instance(run, cls)
        if isinstance(instance, str):
            return Unit(UnitKind.MODULE, cls.name, span, failure=instance, summary=cls.name)
        return _assumed_unit(run, module, cls, instance, summary)


def _defines_forward(cls: UserClass) -> bool:
    """Whether `forward` is the file's or a layer's of torch (`class MLP(nn.Sequential)`), not the one that raises."""
    for base in cls.mro:
        if "forward" in base.names:
            return not (base.module.internal and base.name == "Module")
    return False


@dataclass(eq=False, slots=True)
class ModuleCall:
    """A call of a module at the top level of the file, with the types of its tensors.

    Attributes:
        dtypes: of its weights when it was called.
    """

    instance: Instance
    arguments: list[Value]
    keywords: dict[str, Value]
    dtypes: list[torch.dtype]


def weight_dtypes(instance: Instance) -> list[torch.dtype]:
    """The dtypes of a module's parameters and buffers."""
    return [tensor.dtype for tensor in tensors_of(instance, set())]


def _conversions(called: ModuleCall) -> dict[torch.dtype, torch.dtype]:
    """What `net.double()` made of each floating dtype of the weights after the call."""
    now = weight_dtypes(called.instance)
    if now == called.dtypes or len(now) != len(called.dtypes):
        return {}
    return {old: new for old, new in zip(called.dtypes, now, strict=True) if old.is_floating_point}


def summary_of(
    run: Interpreter, instance: Instance, arguments: list[Value], keywords: dict[str, Value]
) -> str:
    """`Controller(hidden=32)`: the constructor's arguments, defaults included, where they are short."""
    method = instance.cls.find("__init__")
    if not isinstance(method, UserFunction) or method.module.internal:
        return instance.label or instance.cls.name
    try:
        names = bind(method, [instance, *arguments], keywords)
    except ArgumentError:
        return instance.cls.name
    shown = [
        f"{name}={value!r}"
        for name, value in names.items()
        if isinstance(value, (bool, int, float, str)) and len(repr(value)) <= 20
    ]
    return f"{instance.cls.name}({', '.join(shown)})"


def _instance(run: Interpreter, cls: UserClass) -> tuple[Instance | str, str]:
    """An object of the class from the file, or made with the defaults; or why there is none."""
    for instance, summary in run.instances:
        if instance.cls is cls and instance.open is None:
            return instance, summary
    required = _required(cls.find("__init__"))
    if required:
        listed = " and ".join(f"`{name}`" for name in required)
        return f"no instance in this file: the constructor needs {listed}", ""
    run.frame = None
    before, said = len(run.instances), dict(run.diagnostics)
    made = followed(run, lambda: call(run, cls, [], {}))
    fails = any(key not in said and value.code == "TL103" for key, value in run.diagnostics.items())
    if _takes_anything(cls):
        run.diagnostics = said
        if fails or not isinstance(made, Instance):
            return "no instance in this file: the constructor takes any arguments", ""
    elif _has_defaults(cls):
        run.diagnostics = {
            key: value
            for key, value in run.diagnostics.items()
            if key in said or not depends_on_values(value)
        }
    if not isinstance(made, Instance) or made.open is not None:
        return "its constructor could not be followed", ""
    mine = next((summary for instance, summary in run.instances[before:] if instance is made), cls.name)
    return made, mine


def _has_defaults(cls: UserClass) -> bool:
    """Whether the constructor takes arguments, for which nobody has chosen the defaults."""
    method = cls.find("__init__")
    return isinstance(method, UserFunction) and bool(method.defaults) and method.module.analysed


def _takes_anything(cls: UserClass) -> bool:
    """Whether the constructor hands on `*args` or `**kwargs`, which something else may need."""
    method = cls.find("__init__")
    if not isinstance(method, UserFunction) or not method.module.analysed:
        return False
    return method.node.args.vararg is not None or method.node.args.kwarg is not None


def _required(method: Value) -> list[str]:
    """Parameters without a default, after `self`."""
    if not isinstance(method, UserFunction):
        return []
    parameters = method.node.args
    names = [p.arg for p in (*parameters.posonlyargs, *parameters.args)][1:]
    names += [p.arg for p in parameters.kwonlyargs]
    return [name for name in names if name not in method.defaults]


def _called_unit(run: Interpreter, cls: UserClass, called: ModuleCall) -> Unit:
    """The module on the input types of a call in the file."""
    inputs: list[TensorValue] = []
    names = iter(_input_names(cls))
    converted = _conversions(called)

    def fresh(value: Value) -> Value:
        if not isinstance(value, TensorValue):
            return value
        name = next(names, f"input{len(inputs)}")
        type = TensorType(value.shape, converted.get(value.dtype, value.dtype))
        inputs.append(run.emitter.input(name, type, len(inputs)))
        return inputs[-1]

    arguments = [fresh(value) for value in called.arguments]
    keywords = {name: fresh(value) for name, value in called.keywords.items()}
    run.frame, before = None, dict(run.diagnostics)
    result = followed(run, lambda: call(run, called.instance, arguments, keywords))
    if converted:
        # The program does not call it with these weights: what does not fit them is no error of its.
        run.diagnostics = {
            key: said for key, said in run.diagnostics.items() if key in before or said.code == "TL102"
        }
    summary = next((text for instance, text in run.instances if instance is called.instance), cls.name)
    return _finished(run, cls, called.instance, inputs, result, run.observer.taken(), summary, assumed=False)


def _input_names(cls: UserClass) -> list[str]:
    method = cls.find("forward")
    if not isinstance(method, UserFunction):
        return ["input"]
    parameters = method.node.args
    return [p.arg for p in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)][1:]


def _finished(
    run: Interpreter,
    cls: UserClass,
    instance: Instance,
    inputs: Sequence[TensorValue],
    result: Value,
    observations: tuple[Observation, ...],
    summary: str,
    *,
    assumed: bool,
    failure: str | None = None,
) -> Unit:
    outputs = outputs_of(result)
    unknown = contains_unknown(result)
    if failure is None and unknown is not None:
        failure = unknown.reason
    elif failure is None and not outputs:
        failure = "its `forward` returns no tensor"
    below = nodes_below(run, [*outputs, *(seen.node for seen in observations)])
    return Unit(
        UnitKind.MODULE,
        cls.name,
        cls.module.name_span(cls.node),
        tuple(value.node for value in inputs),
        {},
        outputs,
        (*observations, *weights_below(run, below)),
        failure,
        parameter_count(instance),
        summary,
        assumed,
        is_trained(run, below),
    )


# -- trial -------------------------------------------------------------------------------------------------------------


def _assumed_unit(
    run: Interpreter, module: SourceModule, cls: UserClass, instance: Instance, summary: str
) -> Unit:
    """The module on inferred inputs, as it runs after `.eval()`."""
    _to_eval(run, instance, set())
    names = _required(cls.find("forward")) or _input_names(cls)[:1]
    guesses = candidates(run, instance, len(names))
    trials: list[Trial] = []
    for types in guesses.types:
        trial = _try(run, instance, names, types, guesses.anchor)
        trials.append(trial)
        if trial.complete:
            break
    if not trials:
        return Unit(UnitKind.MODULE, cls.name, cls.module.name_span(cls.node), failure="it takes no input")
    certain = certain_errors(guesses, trials)
    if _has_defaults(cls) and not any(instance is made for made, _ in run.instances[: run.made_in_script]):
        certain = {error for error in certain if not depends_on_values(error)}
    if trials[-1].complete:
        best = trials[-1]
    elif certain:
        best = trials[0]
    else:
        best = max(trials, key=lambda trial: trial.nodes)
    failure = None if best.complete else _failure(cls, best, certain)
    return _accepted(run, cls, instance, names, best, summary, failure, certain)


def _failure(cls: UserClass, best: Trial, certain: set[Diagnostic]) -> str:
    for error in best.errors:
        if error in certain or error.code == "TL102":
            return error.message.splitlines()[0]
    if not best.errors:
        return "its result is not followed"
    return f"no input shape was found by trial: call it in this file, e.g. `{cls.name}()(torch.zeros(1, 3, 32, 32))`"


def _try(
    run: Interpreter, instance: Instance, names: list[str], types: tuple[TensorType, ...], anchor: int | None
) -> Trial:
    """Follow the module on these inputs, and leave nothing behind."""
    before = checkpoint(run)
    start = len(run.builder.nodes)
    with run.observer.unit(), isolated(run):
        result, _ = _run_on(run, instance, names, types)
    made = run.builder.nodes[start:]
    steady = passes_through(run.builder.nodes, made, anchor)
    errors = before.roll_back()
    wrong = any(error.code in ("TL101", "TL103", "TL105", "TL113") for error in errors)
    complete = not wrong and contains_unknown(result) is None and bool(outputs_of(result))
    return Trial(types, len(made), errors, complete, steady)


def _run_on(
    run: Interpreter, instance: Instance, names: list[str], types: tuple[TensorType, ...]
) -> tuple[Value, list[TensorValue]]:
    run.frame = None
    try:
        inputs = [
            run.emitter.input(name, type, position)
            for position, (name, type) in enumerate(zip(names, types, strict=False))
        ]
    except TensorTooLarge as error:
        return Unknown(str(error), reported=True), []
    return followed(run, lambda: call(run, instance, list(inputs), {})), inputs


def _accepted(
    run: Interpreter,
    cls: UserClass,
    instance: Instance,
    names: list[str],
    best: Trial,
    summary: str,
    failure: str | None,
    certain: set[Diagnostic],
) -> Unit:
    """Follow the chosen trial again, for good."""
    before = dict(run.diagnostics)
    result, inputs = _run_on(run, instance, names, best.types)
    if failure is not None:
        run.diagnostics = {
            key: value
            for key, value in run.diagnostics.items()
            if key in before or value.code == "TL102" or value in certain
        }
    shapes = ", ".join(f"{name}: {type}" for name, type in zip(names, best.types, strict=False))
    text = f"{summary}, assumed input {shapes}" if failure is None else summary
    observations = run.observer.taken()
    return _finished(run, cls, instance, inputs, result, observations, text, assumed=True, failure=failure)


def _to_eval(run: Interpreter, instance: Instance, seen: set[int]) -> None:
    if id(instance) not in seen:
        seen.add(id(instance))
        if "training" in instance.attributes:
            run.assign(instance.attributes, "training", False)
        for child in children(instance):
            _to_eval(run, child, seen)
