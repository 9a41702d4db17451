"""Running a torch spelling without a capture: on real tensors, through a real graph.

`run("torch.cat", [a, b], dim=1)` calls the spelling with handles in place of the tensors, evaluates the graph
that it built and gives back what torch itself would return. `agree` compares that with torch, bit for bit,
errors included. Tests of spellings then need no interpreter, and a spelling that computes something else than
torch cannot pass.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from torchlean.graph import GraphBuilder, evaluate, validate
from torchlean.ops import OPS, SPELLINGS, Attribute, ShapeError, TensorType, UnsupportedError


class Handle:
    """What the user's name is bound to; in-place operations move it to another node."""

    def __init__(self, emitter: FakeEmitter, node: int) -> None:
        self.emitter = emitter
        self.node = node

    @property
    def type(self) -> TensorType:
        return self.emitter.builder.nodes[self.node].type

    @property
    def shape(self) -> tuple[int, ...]:
        return self.type.shape

    @property
    def dtype(self) -> torch.dtype:
        return self.type.dtype


@dataclass(frozen=True)
class Known:
    """An argument whose numbers stand in the program (a constant of the graph, not an input)."""

    data: Tensor


class FakeEmitter:
    """An `Emitter` over a plain `GraphBuilder`; without sources, spans or tracking of shared memory."""

    def __init__(self) -> None:
        self.builder = GraphBuilder()
        self.data: dict[str, Tensor] = {}
        self.draws = 0

    def input(self, data: Tensor) -> Handle:
        name = f"x{len(self.data)}"
        self.data[name] = data.detach().clone()
        return Handle(self, self.builder.input(name, TensorType(tuple(data.shape), data.dtype)).id)

    def emit(self, op: str, *inputs: Handle | int | float | bool, **attributes: Attribute) -> Handle:
        handles = [item if isinstance(item, Handle) else self._number(item, inputs) for item in inputs]
        return Handle(self, self.builder.op(op, [handle.node for handle in handles], attributes).id)

    def constant(self, data: Tensor) -> Handle:
        return Handle(self, self.builder.constant(data).id)

    def random(
        self,
        type: TensorType,
        lower: float,
        upper: float,
        description: str,
        *,
        likely: tuple[float, float] | None = None,
    ) -> Handle:
        self.draws += 1
        node = self.builder.random(type, lower, upper, self.draws, label=description, likely=likely)
        return Handle(self, node.id)

    def value_of(self, tensor: Handle) -> Tensor | None:
        cone, renumbered = self.builder.graph().cone([tensor.node])
        if any(node.op in ("input", "parameter", "random") for node in cone):
            return None
        return evaluate(cone, {})[renumbered[tensor.node]]

    def overwrite(self, target: Handle, result: Handle) -> Handle:
        if target.shape != result.shape or not torch.can_cast(result.dtype, target.dtype):
            raise ShapeError(f"a result of type {result.type} does not fit into {target.type}")
        if target.dtype != result.dtype:
            result = self.emit("cast", result, dtype=target.dtype)
        target.node = result.node
        return target

    def _number(self, number: float, inputs: tuple[Handle | int | float | bool, ...]) -> Handle:
        tensors = [
            torch.empty(i.shape, dtype=i.dtype, device="meta") for i in inputs if isinstance(i, Handle)
        ]
        common = functools.reduce(lambda a, b: a.to(torch.result_type(a, b)), tensors)
        return self.constant(torch.tensor(number, dtype=torch.result_type(common, number)))


def run(name: str, *arguments: Any, **keywords: Any) -> Any:
    """The result of a spelling on real tensors, computed through the graph."""
    return Call(name, *arguments, **keywords).result()


class Call:
    """One call of a spelling: the graph it built, its result and its arguments afterwards."""

    def __init__(self, name: str, *arguments: Any, **keywords: Any) -> None:
        self.emitter = FakeEmitter()
        self.arguments = _mapped(arguments, self._handle)
        self.keywords = _mapped(keywords, self._handle)
        self.returned = SPELLINGS[name](self.emitter, *self.arguments, **self.keywords)

    def result(self) -> Any:
        return self._numbers(self.returned)

    def arguments_after(self) -> Any:
        """The tensors among the arguments, as they are after the call (in-place operations show here)."""
        return self._numbers(self.arguments)

    def ops(self) -> list[str]:
        """The ops that were emitted, in order."""
        return [node.op for node in self.emitter.builder.nodes if node.op in OPS]

    def _handle(self, item: Any) -> Any:
        if isinstance(item, Known):
            return self.emitter.constant(item.data)
        return self.emitter.input(item) if isinstance(item, Tensor) else item

    def _numbers(self, value: Any) -> Any:
        graph = self.emitter.builder.graph()
        validate(graph)
        if any(node.op == "random" for node in graph):
            raise ValueError("drawn at random: look at the nodes instead")
        values = evaluate(graph, self.emitter.data)
        return _mapped(value, lambda item: values[item.node] if isinstance(item, Handle) else item)


def torch_function(name: str) -> Callable[..., Any]:
    """What the dotted name means in torch; a property becomes a function of the tensor."""
    found = functools.reduce(getattr, name.split(".")[1:], torch)
    return found if callable(found) else found.__get__  # type: ignore[no-any-return, attr-defined]


def agree(name: str, *arguments: Any, **keywords: Any) -> None:
    """Assert that the spelling does what torch does: same result bit for bit, same effect on the arguments.

    Where torch raises, the spelling must raise `ShapeError` (or `TypeError`, for arguments that do not bind).
    """
    plain = _mapped(arguments, _copy), _mapped(keywords, _copy)
    try:
        expected = torch_function(name)(*plain[0], **plain[1])
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        refused(name, *arguments, because=error, **keywords)
        return
    call = Call(name, *arguments, **keywords)
    assert_same(call.result(), expected, name)
    assert_same(call.arguments_after(), plain[0], f"{name}: arguments afterwards")


def refused(name: str, *arguments: Any, because: Exception | None = None, **keywords: Any) -> None:
    """Assert that the spelling reports the user's mistake."""
    try:
        call = Call(name, *arguments, **keywords)
    except (ShapeError, TypeError) as error:
        assert str(error)
        return
    except UnsupportedError as error:
        raise AssertionError(
            f"{name}: torch refuses this ({because}), the spelling only gives up: {error}"
        ) from error
    raise AssertionError(f"{name}: torch refuses this ({because}), the spelling emitted {call.ops()}")


def assert_same(got: Any, expected: Any, what: str) -> None:
    """Same structure, shapes, dtypes and bits (all NaN count as one)."""
    if isinstance(expected, Tensor):
        assert isinstance(got, Tensor), f"{what}: expected a tensor, got {got!r}"
        assert got.dtype == expected.dtype, f"{what}: expected {expected.dtype}, got {got.dtype}"
        assert got.shape == expected.shape, (
            f"{what}: expected {tuple(expected.shape)}, got {tuple(got.shape)}"
        )
        torch.testing.assert_close(
            got, expected, rtol=0, atol=0, equal_nan=True, msg=f"{what}: {got} is not {expected}"
        )
        if expected.is_floating_point():
            defined = ~torch.isnan(expected)
            assert torch.equal(torch.signbit(got)[defined], torch.signbit(expected)[defined]), (
                f"{what}: sign of zero"
            )
    elif isinstance(expected, (tuple, list)):
        assert isinstance(got, (tuple, list)), f"{what}: expected a sequence, got {got!r}"
        assert len(got) == len(expected), f"{what}: expected {len(expected)} items, got {len(got)}"
        for index, (left, right) in enumerate(zip(got, expected, strict=True)):
            assert_same(left, right, f"{what}[{index}]")
    else:
        assert got == expected, f"{what}: expected {expected!r}, got {got!r}"


def _copy(item: Any) -> Any:
    if isinstance(item, Known):
        return item.data.clone()
    return item.detach().clone() if isinstance(item, Tensor) else item


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """Apply to every leaf of nested tuples, lists, named tuples, dicts and slices."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_mapped(item, function) for item in value))
    if type(value) in (tuple, list):
        return type(value)(_mapped(item, function) for item in value)
    if isinstance(value, dict):
        return {key: _mapped(item, function) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(*(_mapped(item, function) for item in (value.start, value.stop, value.step)))
    return function(value)
