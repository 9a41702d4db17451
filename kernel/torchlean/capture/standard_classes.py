"""`dataclasses`, `enum`, `abc`, `typing`, and what changes no value: contexts and decorators of torch, logging.

Importing this module registers the natives.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import enum
import numbers
import os.path
import string
import types
import typing
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from torchlean.capture.array_values import ArrayValue
from torchlean.capture.attributes import set_attribute
from torchlean.capture.enumerations import AUTO, next_value
from torchlean.capture.intrinsics import MODULE
from torchlean.capture.records import (
    OPTIONS,
    Field,
    NamedTupleBase,
    Options,
    added_methods,
    annotated_names,
    field_of,
)
from torchlean.capture.refusals import AUTOCAST
from torchlean.capture.standard import deep_copy, identity
from torchlean.capture.torch_names import CONSTANTS
from torchlean.capture.values import (
    MISSING,
    Instance,
    Native,
    TensorValue,
    Unknown,
    UserClass,
    UserFunction,
    Value,
    contains_unknown,
    native,
)

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter


_OPTIONS = frozenset(option.name for option in dataclasses.fields(Options))
_FLAGS = frozenset({"init", "repr", "compare", "kw_only"})

CONSTANTS["dataclasses.FrozenInstanceError"] = dataclasses.FrozenInstanceError


@native("dataclasses.dataclass", unknowns=True)
def _dataclass(run: Interpreter, cls: Value = None, **given: Value) -> Value:
    """Fields are the annotated names of the class and of the dataclasses it derives from."""
    if not isinstance(cls, UserClass):
        return Native("dataclass", lambda run, cls: _dataclass(run, cls, **given), accepts_unknown=True)
    fields: list[str] = []
    for base in reversed(cls.mro):
        names = annotated_names(base) if base is cls else (base.fields or [])
        fields += [name for name in names if name not in fields]
    cls.fields = fields
    known = {name: value for name, value in given.items() if isinstance(value, bool)}
    options = Options(**{name: value for name, value in known.items() if name in _OPTIONS})
    run.assign(cls.names, OPTIONS, options)
    inside = Unknown("what a dataclass keeps of its fields is not followed")
    run.assign(cls.names, "__dataclass_fields__", dict.fromkeys(fields, inside))
    for name, method in added_methods(cls, fields, options).items():
        set_attribute(run, cls, name, method)
    return cls


@native("dataclasses.field", unknowns=True)
def _field(
    run: Interpreter, *, default: Value = MISSING, default_factory: Value = MISSING, **given: Value
) -> Value:
    flags = {name: value for name, value in given.items() if isinstance(value, bool) and name in _FLAGS}
    return Field(default, default_factory, **flags)


@native(f"{MODULE}.fields_of", unknowns=True)
def _fields_of(run: Interpreter, value: Value) -> Value:
    """(name, keywords) of each field of a dataclass or of one of its objects: its default, or what makes it."""
    cls = value.cls if isinstance(value, Instance) else value
    if not isinstance(cls, UserClass) or cls.fields is None:
        return contains_unknown(value) or run.error("TL103", "`fields` needs a dataclass")
    found = []
    for name in cls.fields:
        default = cls.find(name)
        given = Field(default, MISSING) if not isinstance(default, Field) else default
        each = {"default": given.default, "default_factory": given.factory}
        found.append((name, {key: value for key, value in each.items() if value is not MISSING}))
    return found


@native("dataclasses.replace", unknowns=True)
def _replace(run: Interpreter, value: Value, **changes: Value) -> Value:
    from torchlean.capture.calling import call

    if not isinstance(value, Instance) or value.cls.fields is None:
        return Unknown("`replace` needs a dataclass")
    names = [name for name in value.cls.fields if field_of(value.cls, name).init]
    return call(run, value.cls, [], {**{name: value.attributes.get(name) for name in names}, **changes})


@native("dataclasses.asdict", unknowns=True)
def _asdict(run: Interpreter, value: Value) -> Value:
    if not isinstance(value, Instance) or value.cls.fields is None:
        return Unknown("`asdict` needs a dataclass")
    return _copied(run, value, lambda names, values: dict(zip(names, values, strict=True)))


@native("dataclasses.astuple", unknowns=True)
def _astuple(run: Interpreter, value: Value) -> Value:
    if not isinstance(value, Instance) or value.cls.fields is None:
        return Unknown("`astuple` needs a dataclass")
    return _copied(run, value, lambda names, values: tuple(values))


def _copied(run: Interpreter, value: Value, build: Callable[[list[str], list[Value]], Value]) -> Value:
    """A deep copy in which the dataclasses are dictionaries or tuples."""
    if isinstance(value, Instance) and OPTIONS in value.cls.names and value.cls.fields is not None:
        names = value.cls.fields
        return build(names, [_copied(run, value.attributes.get(name), build) for name in names])
    if type(value) in (list, tuple):
        return type(value)(_copied(run, item, build) for item in value)
    if type(value) is dict:
        return {key: _copied(run, item, build) for key, item in value.items()}
    return deep_copy(run, value, {}, 0)


@native("enum.auto")
def _auto(run: Interpreter) -> Value:
    return AUTO if run.frame is None else next_value(run.frame.environment.names)


CONSTANTS.update({f"enum.{name}": getattr(enum, name) for name in ("Enum", "IntEnum", "Flag", "IntFlag")})
if hasattr(enum, "StrEnum"):
    CONSTANTS["enum.StrEnum"] = enum.StrEnum
CONSTANTS.update(
    {
        "typing.NamedTuple": NamedTupleBase,
        "typing.TYPE_CHECKING": False,
        "abc.ABC": object,
        "typing.Protocol": object,
        "typing.Generic": object,
        "typing.Any": object,
        "typing_extensions.Protocol": object,
        "typing.overload": identity,
        "typing.final": identity,
        "typing.override": identity,
        "typing_extensions.override": identity,
        "typing.no_type_check": identity,
        "typing.runtime_checkable": identity,
        "abc.abstractmethod": identity,
        "abc.ABCMeta": type,
        "atexit.register": identity,
        "torch.compile": identity,
        "torch.jit.script": identity,
        "torch.jit.ignore": identity,
        "torch.jit.unused": identity,
        "torch.jit.export": identity,
        "torch.fx.wrap": identity,
        "torch.compiler.disable": identity,
    }
)


CONSTANTS.update(
    {f"collections.abc.{name}": getattr(collections.abc, name) for name in collections.abc.__all__}
)
CONSTANTS.update(
    {
        f"typing.{name}": alias.__origin__
        for name, alias in vars(typing).items()
        if getattr(getattr(alias, "__origin__", None), "__module__", "") in ("builtins", "collections.abc")
    }
)
STRINGS = (
    "ascii_letters",
    "ascii_lowercase",
    "ascii_uppercase",
    "digits",
    "hexdigits",
    "punctuation",
    "printable",
)
CONSTANTS.update({f"string.{name}": getattr(string, name) for name in (*STRINGS, "whitespace")})
CONSTANTS.update(
    {f"types.{name}": getattr(types, name) for name in ("FunctionType", "LambdaType", "MethodType")}
)
CONSTANTS.update({f"numbers.{name}": getattr(numbers, name) for name in numbers.__all__})


@native(
    "torch.enable_grad",
    "torch.autograd.set_detect_anomaly",
    "torch.autograd.profiler.record_function",
    "torch.nn.utils.clip_grad_norm_",
    "torch.nn.utils.clip_grad_value_",
    "torch.set_num_threads",
    "torch.set_printoptions",
    "torch.use_deterministic_algorithms",
    "torch.set_float32_matmul_precision",
    "torch.manual_seed",
    "torch.cuda.manual_seed",
    "torch.cuda.manual_seed_all",
    "torch.cuda.empty_cache",
    "torch.cuda.synchronize",
    "torch.random.manual_seed",
    "random.seed",
    "numpy.random.seed",
    "torch.save",
    "torch.nn.utils.vector_to_parameters",
    "warnings.warn",
    "warnings.filterwarnings",
    "warnings.simplefilter",
    "logging.basicConfig",
    "logging.info",
    "logging.debug",
    "logging.warning",
    "logging.error",
    "time.sleep",
    "gc.collect",
    "typing.dataclass_transform",
    "typing_extensions.dataclass_transform",
    "warnings.deprecated",
    "typing_extensions.deprecated",
    unknowns=True,
)
def _no_effect(run: Interpreter, value: Value = None, *rest: Value, **options: Value) -> Value:
    """No number depends on it; as a decorator it gives back the function."""
    return value if isinstance(value, (UserFunction, UserClass)) else identity


@native("torch.jit.annotate", unknowns=True)
def _annotate(run: Interpreter, kind: Value, value: Value) -> Value:
    return value


@native(
    "torch.jit.is_scripting",
    "torch.jit.is_tracing",
    "torch.compiler.is_compiling",
    "torch.compiler.is_dynamo_compiling",
    "torch.compiler.is_exporting",
)
def _never(run: Interpreter) -> Value:
    return False


@native(
    "torch.cuda.is_available",
    "torch.backends.mps.is_available",
    "torch.xpu.is_available",
    "torch.cuda.is_bf16_supported",
)
def _no_device(run: Interpreter, *arguments: Value) -> Value:
    """What is analysed is the execution on a CPU."""
    return False


@native("torch.cuda.device_count")
def _no_devices(run: Interpreter) -> Value:
    return 0


@native("torch.is_grad_enabled")
def _is_grad_enabled(run: Interpreter) -> Value:
    return Unknown("whether gradients are recorded is not followed")


@native("torch.device")
def _device(run: Interpreter, kind: Value = "cpu", index: Value = None) -> Value:
    if isinstance(kind, torch.device):
        return kind
    return torch.device(kind) if index is None else torch.device(kind, index)


@native("torch.set_default_dtype")
def _set_default_dtype(run: Interpreter, dtype: Value) -> Value:
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        return run.error("TL103", f"the default dtype must be a floating-point dtype, got {dtype}")
    run.default_dtype = None if dtype is torch.float32 else dtype
    return None


@native("torch.get_default_dtype", "torch.get_default_device")
def _get_default_dtype(run: Interpreter) -> Value:
    return run.default_dtype or torch.float32


@native("torch.is_tensor")
def _is_tensor(run: Interpreter, value: Value) -> Value:
    return isinstance(value, TensorValue) and not isinstance(value, ArrayValue)


@native("torch.amp.autocast", "torch.autocast", "torch.cuda.amp.autocast", unknowns=True)
def _autocast(run: Interpreter, *arguments: Value, **keywords: Value) -> Value:
    if keywords.get("enabled") is not False:
        run.state[AUTOCAST] = True
        run.unfollowed("`autocast` computes parts of the network in another dtype, which is not followed")
    return identity


@native("os.getcwd")
def _getcwd(run: Interpreter) -> Value:
    return os.path.dirname(run.path)


@native("os.path.exists", "os.path.isfile", "os.path.isdir")
def _exists(run: Interpreter, path: Value) -> Value:
    return Unknown("whether a file exists is asked when the program runs")


@native("sys.exit", "os._exit")
def _exit(run: Interpreter, *arguments: Value) -> Value:
    from torchlean.capture.values import ExceptionValue, Raised

    raise Raised(ExceptionValue(SystemExit), lambda: None)
