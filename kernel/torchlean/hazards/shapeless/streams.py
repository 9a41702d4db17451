"""What loops run over, without shapes: each pass of a loop is given the same item.

Scripts compute on what data loaders hand them, and data sets are often classes of the file: what their `__getitem__`
gives is what a batch is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torchlean.hazards.shapeless.values import Function, Items, Object, Opaque, Stream, TensorNode, Value

if TYPE_CHECKING:
    from torchlean.hazards.shapeless.interpreter import Interpreter

PASSING = frozenset({"DataLoader", "iter", "list", "reversed", "sorted", "Subset", "tqdm", "tuple"})
"""Functions and classes whose result gives the same items as their first argument."""

BUILTINS = frozenset({"enumerate", "iter", "list", "next", "reversed", "sorted", "tuple", "zip"})
"""Those of them that no import gives."""

SAMPLE = Opaque()
"""The number of a sample."""


def item_of(run: Interpreter, value: Value) -> Value:
    """What a pass of a loop over the value is given."""
    if isinstance(value, Stream):
        return value.item
    if isinstance(value, Object):
        method = run.attribute(value, "__getitem__")
        return run.function(method, (SAMPLE,), {}) if isinstance(method, Function) else Opaque()
    if isinstance(value, Items):
        first = value.items[0] if value.items else Opaque()
        return first if all(item == first for item in value.items) else Opaque()
    if isinstance(value, TensorNode):
        return value
    return Opaque(network=isinstance(value, Opaque) and value.network)


def stream_of(run: Interpreter, name: str, arguments: Sequence[Value]) -> Value | None:
    """What `name(*arguments)` gives if it is a function or class for running over things, else None."""
    if not arguments:
        return None
    if name in PASSING:
        return Stream(item_of(run, arguments[0]))
    if name == "next":
        return item_of(run, arguments[0])
    if name == "enumerate":
        return Stream(Items((Opaque(), item_of(run, arguments[0]))))
    if name in ("zip", "TensorDataset"):
        return Stream(Items(tuple(item_of(run, argument) for argument in arguments)))
    return None
