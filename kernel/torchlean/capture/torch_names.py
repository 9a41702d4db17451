"""Names under `torch.` and other namespaces that TorchLean knows: what stands behind each dotted name.

Looked for in this order: functions implemented here (`NATIVES`), torch spellings of ops (`SPELLINGS`), stub modules
(`stubs/`: Python that is interpreted like a user's file), constants of the real torch. What only the real torch has is
unknown, with that reason; what not even torch has is the user's mistake.
"""

from __future__ import annotations

import importlib
import types
from typing import TYPE_CHECKING, Any

import torch

from torchlean.capture.naming import no_attribute
from torchlean.capture.stub_modules import stub_module
from torchlean.capture.tables import words
from torchlean.capture.values import MISSING, NATIVES, Namespace, Native, Unknown, Value
from torchlean.ops import SPELLINGS

if TYPE_CHECKING:
    from torchlean.capture.environment import Frame
    from torchlean.capture.interpreter import Interpreter

_spellings: dict[str, Native] = {}


def spelling(name: str) -> Native:
    """The spelling as a callable value."""
    found = _spellings.get(name)
    if found is None:
        found = _spellings[name] = Native(name, SPELLINGS[name], is_spelling=True)
    return found


def tensor_operator(method: str) -> Native | Unknown:
    """`torch.Tensor.__add__` and the like."""
    name = f"torch.Tensor.{method}"
    if name in SPELLINGS:
        return spelling(name)
    return Unknown(f"`{method}` of tensors is not followed by TorchLean", source=name)


def namespace_attribute(run: Interpreter, owner: Namespace, name: str) -> Value:
    """`owner.name`, reported where it is a mistake."""
    if run.patched and f"{owner.path}.{name}" in run.patched:
        return run.patched[f"{owner.path}.{name}"]
    value = member(owner.path, name)
    if value is not MISSING:
        return value
    from torchlean.capture.imports import after_import

    value = after_import(run, f"{owner.path}.{name}")
    if value is not MISSING:
        return value
    return no_attribute(run, f"`{owner.path}`", name, public_names(owner.path))


def member(path: str, name: str) -> Value:
    """What `path.name` stands for, `MISSING` where it does not exist."""
    known = known_member(path, name)
    if known is not MISSING:
        return known
    real = real_object(f"{path}.{name}")
    if real is MISSING:
        return MISSING
    canonical = _canonical(real)
    if canonical is not None and canonical != (path, name):
        known = known_member(*canonical)
        if known is not MISSING:
            return known
    return _constant(real, f"{path}.{name}")


def known_member(path: str, name: str) -> Value:
    """What TorchLean itself has under a dotted name."""
    dotted = f"{path}.{name}"
    found = NATIVES.get(dotted)
    if found is not None:
        return found
    if dotted in CONSTANTS:
        return CONSTANTS[dotted]
    if dotted in SPELLINGS:
        return spelling(dotted)
    stub = stub_module(path)
    if stub is not None:
        return stub.environment.names.get(name, MISSING)
    return MISSING


def _canonical(real: Any) -> tuple[str, str] | None:
    """Where torch itself defines an object: `torch.nn.Linear` is `torch.nn.modules.linear`, `Linear`."""
    module, name = getattr(real, "__module__", None), getattr(real, "__qualname__", None)
    if isinstance(module, str) and isinstance(name, str) and module.startswith("torch"):
        return module, name
    return None


def _constant(real: Any, dotted: str) -> Value:
    if isinstance(real, types.ModuleType):
        return Namespace(dotted)
    if real is None or isinstance(real, (bool, int, float, str, torch.dtype)):
        return real
    if real is torch.Tensor or real is torch.Size:
        return Namespace("torch.Tensor") if real is torch.Tensor else tuple
    if isinstance(real, (torch.memory_format, torch.layout)):
        return str(real)
    return Unknown(f"`{dotted}` is not followed by TorchLean", source=dotted)


ROOTS = ("torch", "math")
"""Modules whose real objects may be looked at: importing them has no effects of a user's file."""


def real_object(dotted: str) -> Any:
    """The real torch object, `MISSING` where torch has none; submodules of torch are imported where needed."""
    root, *rest = dotted.split(".")
    if root not in ROOTS:
        return MISSING
    found: Any = importlib.import_module(root)
    path = root
    for name in rest:
        if not name.isidentifier():
            return MISSING
        path = f"{path}.{name}"
        following = getattr(found, name, MISSING)
        if following is MISSING and isinstance(found, types.ModuleType):
            following = loaded_submodule(path)
        if following is MISSING:
            return MISSING
        found = following
    return found


SUBMODULES = words("""torch.nn.utils.parametrizations torch.nn.utils.parametrize torch.nn.utils.rnn torch.nn.utils.prune
    torch.utils.data torch.utils.tensorboard torch.utils.checkpoint torch.optim.lr_scheduler torch.nn.init
    torch.nn.parallel torch.cuda.amp torch.amp torch.distributions torch.fft torch.linalg torch.special""")
"""Submodules of torch that `import torch` alone may not load; nothing else is imported on a file's behalf."""


def loaded_submodule(path: str) -> Any:
    if path not in SUBMODULES:
        return MISSING
    try:
        return importlib.import_module(path)
    except ImportError:
        return MISSING


def public_names(path: str) -> list[str]:
    """Names that can be written after `path.`, for suggestions."""
    prefix = f"{path}."
    names = {key[len(prefix) :].partition(".")[0] for key in (*NATIVES, *SPELLINGS) if key.startswith(prefix)}
    real = real_object(path)
    if real is not MISSING:
        names.update(name for name in dir(real) if not name.startswith("_"))
    stub = stub_module(path)
    if stub is not None:
        names.update(stub.environment.names)
    return sorted(names)


def from_stars(run: Interpreter, frame: Frame, name: str) -> Value:
    """A name that came with `from torch.nn import *`."""
    stars = frame.environment.root().stars
    return from_namespaces(run, stars, name) if stars else MISSING


def from_namespaces(run: Interpreter, stars: list[Namespace | Unknown], name: str) -> Value:
    if name.startswith("_"):
        return MISSING
    for star in reversed(stars):
        if isinstance(star, Namespace):
            value = member(star.path, name)
            if value is not MISSING and not isinstance(value, Namespace):
                return value
    return MISSING


def is_tensor_class(value: Value) -> bool:
    """Whether a value is `torch.Tensor`, as a class."""
    return isinstance(value, Namespace) and value.path == "torch.Tensor"


CONSTANTS: dict[str, Value] = {"torch.dtype": torch.dtype}
"""Values under dotted names."""
