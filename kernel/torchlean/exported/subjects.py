"""Which object of an imported file a unit is, and what it is called with: the rules of static capture, on real objects.

A module that the file itself calls is exported as in that call. One that nobody calls is the one bound to a name, or
the first that was made, or one with the default arguments, in evaluation mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from torchlean.exported.program import Request
from torchlean.ops import TensorType

CALLS = 1000
"""Calls of modules that are remembered while a file is imported: a training loop makes millions."""


class NotFound(Exception):
    """The file has no such object after its import."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A module and the arguments to call it with: zeros of the types that are asked for."""

    module: nn.Module
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]


class Subjects:
    """The objects of one file. `names` is its namespace, once it has been imported."""

    def __init__(self) -> None:
        self.names: Mapping[str, Any] = {}
        self._made: list[nn.Module] = []
        self._calls: list[tuple[nn.Module, tuple[Any, ...], dict[str, Any]]] = []

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Remember which modules are made and called, with the types of their tensors."""
        make, call = nn.Module.__init__, nn.Module.__call__

        def __init__(module: nn.Module, *arguments: Any, **keywords: Any) -> None:
            make(module, *arguments, **keywords)
            self._made.append(module)

        def __call__(module: nn.Module, *arguments: Any, **keywords: Any) -> Any:
            if len(self._calls) < CALLS:
                self._calls.append((module, *pytree.tree_map(_type_alone, (arguments, keywords))))
            return call(module, *arguments, **keywords)

        nn.Module.__init__, nn.Module.__call__ = __init__, __call__
        try:
            yield
        finally:
            nn.Module.__init__, nn.Module.__call__ = make, call

    def find(self, request: Request) -> Subject:
        """What a request asks for.

        Raises:
            NotFound: there is none.
            BaseException: what the constructor of a module raises.
        """
        found = self.names.get(request.name)
        if request.kind == "claim":
            function = getattr(found, "__wrapped__", None)
            if not callable(function):
                raise NotFound(f"after the import there is no claim `{request.name}`")
            return Subject(Calling(function, modules_in(self.names)), _zeros(request), {})
        if not (isinstance(found, type) and issubclass(found, nn.Module)):
            raise NotFound(f"after the import there is no module class `{request.name}`")
        called = None if request.assumed else self._called(found, request)
        if called is not None:
            return called
        module = self._instance(found)
        return Subject(module.eval() if request.assumed else module, _zeros(request), {})

    def _called(self, cls: type[nn.Module], request: Request) -> Subject | None:
        """The first call of such a module on tensors of these types, as it was."""
        wanted = [declared for _, declared in request.inputs]
        for module, arguments, keywords in self._calls:
            given = [
                item for item in pytree.tree_leaves((arguments, keywords)) if isinstance(item, TensorType)
            ]
            if type(module) is cls and given == wanted:
                return Subject(module, *pytree.tree_map_only(TensorType, _zero, (arguments, keywords)))
        return None

    def _instance(self, cls: type[nn.Module]) -> nn.Module:
        objects = [*self.names.values(), *self._made]
        return next((item for item in objects if type(item) is cls), None) or cls()


def modules_in(names: Mapping[str, Any]) -> dict[str, nn.Module]:
    """Modules that a claim may call: those bound to names of the file, and those in its lists and dictionaries."""
    found: dict[str, nn.Module] = {}
    for name, value in names.items():
        if isinstance(value, nn.Module):
            found[name] = value
        elif isinstance(value, (list, tuple, dict)):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            found |= {f"{name}_{key}": item for key, item in items if isinstance(item, nn.Module)}
    return found


class Calling(nn.Module):  # type: ignore[misc] # torch is untyped here
    """A claim as a module, so that the weights of what it calls are its own: export knows no others."""

    def __init__(self, function: Callable[..., Any], modules: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self._function = function
        for name, module in modules.items():
            self.add_module(name.replace(".", "_"), module)

    def forward(self, *arguments: Tensor) -> Any:
        return self._function(*arguments)


def _type_alone(value: Any) -> Any:
    return TensorType(tuple(value.shape), value.dtype) if isinstance(value, Tensor) else value


def _zero(type: TensorType) -> Tensor:
    return torch.zeros(type.shape, dtype=type.dtype)


def _zeros(request: Request) -> tuple[Tensor, ...]:
    return tuple(_zero(type) for _, type in request.inputs)
