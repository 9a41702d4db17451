"""From a claim's graph to the network and the formula that the Lean checker takes.

The margin of a claim is a least and greatest of differences (`claims.margin`); their signs are what the claim says. So
the comparison itself becomes the formula: one literal for each difference, `and` and `or` as the claim has them. What
the model computes becomes nodes, one for each step that torch rounds by itself, so that each has its own noise.

What a certificate with noise speaks of: every execution of the model's float32 operations in which each result is
within the stated noise of the exact result on what was computed before, which covers any order of summation and any use
of fused multiply-add. The comparison of the claim is executed exactly (comparing two floats rounds nothing), so its
nodes have no noise. What a certificate without noise speaks of is the same network in real arithmetic.

Sources: the shapes and meanings of ops are those of `torchlean.ops`; matrices are read off the ops themselves, executed
in float64 on unit vectors, where products with 1 and sums with 0 are exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

import torch
from torch import Tensor

from torchlean.certificate.assembly import Assembly, Element, Place, TooLargeError, scaled
from torchlean.certificate.machine import Machine, OverflowPossibleError
from torchlean.certificate.network import (
    Formula,
    Interval,
    Literal,
    Role,
    Statement,
    conjunction,
    disjunction,
)
from torchlean.claims.domain import Box
from torchlean.claims.goal import Row, clauses_of
from torchlean.claims.margin import Margin
from torchlean.graph import Graph, Node


class NotCheckableError(Exception):
    """The claim is outside what the Lean checker knows. The message is a clause: "`tanh` on line 12 is outside ..."."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """Attributes:
    statement: what is to be proved.
    noisy: whether its noise covers the rounding of executions, rather than speaking of real arithmetic.
    departure: why nothing is stated of binary32 executions themselves; empty: it is (the network has roles).
    inputs: the claim's inputs, in the order in which the network's input has their elements.
    elements: of the nodes that are wholly in the network (ids of the margin's graph), as elements of its values.
    """

    statement: Statement
    noisy: bool
    departure: str
    inputs: tuple[str, ...]
    elements: Mapping[int, Sequence[Element]]


@dataclass(slots=True)
class Lowering:
    """What the handlers of ops work with.

    Attributes:
        elements: of the nodes lowered so far, in row-major order.
        exact: no noise is added.
        departure: of the first node that binary32 executions compute in other steps than the network; empty: none does.
    """

    graph: Graph
    assembly: Assembly
    elements: dict[int, list[Element]]
    exact: bool
    departure: str = ""

    def machine(self, node: Node) -> Machine:
        """The rounding of a node's own dtype.

        Raises:
            NotCheckableError: it is neither float32 nor float64.
        """
        if self.exact:
            return Machine(None)
        machine = Machine.of(node.type.dtype)
        if machine is None:
            raise NotCheckableError(
                f"{place(node)} computes in {node.type.dtype}, whose rounding is not covered"
            )
        return machine

    def operand(self, node: Node, number: int = 0) -> list[Element]:
        """The elements of an operand."""
        return self.elements[node.inputs[number]]

    def known(self, node: Node, number: int) -> Tensor | None:
        """The numbers of an operand, where all are known."""
        operand = self.graph[node.inputs[number]]
        if operand.data is not None:
            return operand.data
        found = self.elements[operand.id]
        numbers = [element for element in found if isinstance(element, Fraction)]
        if len(numbers) < len(found) or not operand.type.dtype.is_floating_point:
            return None
        return torch.tensor([float(number) for number in numbers], dtype=torch.float64).reshape(
            operand.type.shape
        )


def place(node: Node) -> str:
    """ "`tanh` on line 12"."""
    return f"`{node.op}`" + (f" on line {node.span.line + 1}" if node.span else "")


def lower(margin: Margin, own: int, domains: Mapping[str, Box], grid: int, *, exact: bool = False) -> Lowered:
    """A claim as a statement for the checker.

    Args:
        own: how many nodes of the margin's graph are the claim's; what follows is the comparison.
        domains: of all inputs.
        grid: bounds count in units of `2^-grid`.
        exact: real arithmetic instead of executions.

    Raises:
        NotCheckableError: with the op that is outside the checker, or what else stands in the way.
    """
    clauses = clauses_of(margin)
    rows = sorted({row for clause in clauses for row in clause})
    needed, ids = margin.graph.cone([id for id, _ in rows])
    inputs = [node for node in needed if node.op == "input"]
    assembly = Assembly(grid, _box(inputs, domains, grid))
    lowering = Lowering(needed, assembly, {}, exact)
    _place_inputs(lowering, inputs)
    for node in inputs:
        _note_departure(lowering, node)
    comparison = {new for old, new in ids.items() if old >= own}
    try:
        _lower_nodes(lowering, comparison)
        literals = _Literals(lowering, comparison, margin.strict)
        found = {row: literals.of(ids[row[0]], row[1]) for row in rows}
        goal = conjunction([disjunction([found[row] for row in clause]) for clause in clauses])
        assembly.linear(literals.rows, literals.offsets, Role.THOUGHT)
    except TooLargeError as error:
        raise NotCheckableError(str(error)) from error
    whole = assembly.network()
    network = whole.pruned()
    if exact or lowering.departure:
        network = replace(network, roles=())
    names = tuple(str(node.attributes["name"]) for node in inputs)
    elements = _kept(lowering, ids, whole.needed())
    statement = Statement(network, tuple(assembly.boxes[0]), goal)
    return Lowered(statement, not exact, lowering.departure, names, elements)


def _kept(lowering: Lowering, ids: Mapping[int, int], values: Sequence[int]) -> dict[int, list[Element]]:
    """The elements of the nodes of which all are known or of `values`, which are numbered anew."""
    number = {old: new for new, old in enumerate(values)}
    found: dict[int, list[Element]] = {}
    for old, new in ids.items():
        elements = lowering.elements.get(new)
        if elements is None or any(isinstance(e, tuple) and e[0] not in number for e in elements):
            continue
        found[old] = [(number[e[0]], e[1]) if isinstance(e, tuple) else e for e in elements]
    return found


def _box(inputs: Sequence[Node], domains: Mapping[str, Box], grid: int) -> list[Interval]:
    """The domains, flat, one after the other, rounded outward to the grid."""
    found: list[Interval] = []
    for node in inputs:
        box = domains[str(node.attributes["name"])]
        if not bool(torch.isfinite(box.lower).all() & torch.isfinite(box.upper).all()):
            raise NotCheckableError(f"the domain of `{node.label}` is unbounded")
        for low, high in zip(box.lower.flatten().tolist(), box.upper.flatten().tolist(), strict=True):
            found.append((scaled(Fraction(low), grid), -scaled(-Fraction(high), grid)))
    return found


def _place_inputs(lowering: Lowering, inputs: Sequence[Node]) -> None:
    start = 0
    for node in inputs:
        lowering.elements[node.id] = [(0, start + k) for k in range(node.type.numel)]
        start += node.type.numel


def _lower_nodes(lowering: Lowering, comparison: set[int]) -> None:
    """All nodes that the model computes; those of the comparison are read by `_Literals`."""
    # Imported late: the handlers need this module's types.
    from torchlean.certificate.handlers import HANDLERS

    for node in lowering.graph:
        if node.id in lowering.elements or node.id in comparison:
            continue
        if node.data is not None:
            lowering.elements[node.id] = numbers(node)
        elif node.op == "random":
            raise NotCheckableError(
                f"`{node.label or node.op}` is drawn at random: there are no weights to state"
            )
        elif node.op not in HANDLERS or not node.type.dtype.is_floating_point:
            # Integers wrap around, and truths are no numbers.
            raise NotCheckableError(f"{place(node)} is outside the Lean checker")
        else:
            try:
                lowering.elements[node.id] = HANDLERS[node.op](lowering, node)
            except OverflowPossibleError:
                raise NotCheckableError(f"{place(node)} may overflow to infinity in an execution") from None
            _note_departure(lowering, node)


def _note_departure(lowering: Lowering, node: Node) -> None:
    if lowering.departure:
        return
    if node.type.dtype != torch.float32:
        lowering.departure = f"{place(node)} computes in {node.type.dtype}"
    elif lowering.assembly.departed:
        lowering.departure = f"{place(node)} is executed in steps that the theorem does not know"


@lru_cache(maxsize=64)
def sources(shape: tuple[int, ...], result: tuple[int, ...]) -> tuple[int, ...]:
    """For each element of a result, in row-major order, the element of an operand that broadcasting puts there."""
    return tuple(torch.arange(math.prod(shape)).reshape(shape).expand(result).flatten().tolist())


def numbers(node: Node) -> list[Element]:
    """The numbers of a parameter or constant.

    Raises:
        NotCheckableError: one of them is infinite, NaN or complex.
    """
    assert node.data is not None
    flat = node.data.detach().flatten()
    if flat.is_complex():
        raise NotCheckableError(f"`{node.label or node.op}` has complex numbers")
    if flat.is_floating_point() and not bool(torch.isfinite(flat).all()):
        raise NotCheckableError(f"`{node.label or node.op}` has numbers that are infinite or NaN")
    exact = flat.double() if flat.is_floating_point() else flat
    return [Fraction(number) for number in exact.tolist()]


class _Literals:
    """The differences of a claim's comparisons, as rows of the last node, and the literals that speak of them."""

    def __init__(self, lowering: Lowering, comparison: set[int], strict: bool) -> None:
        self._lowering = lowering
        self._comparison = comparison
        self._strict = strict
        self.rows: list[dict[Place, Fraction]] = []
        self.offsets: list[Fraction] = []

    def of(self, id: int, element: int) -> Formula:
        """That an element of a node is positive, or not negative."""
        return self._stated(self._form(id, element))

    def _stated(self, form: _Form) -> Formula:
        """Magnitudes are resolved: `b - |a| > 0` is two inequalities, `|a| - b > 0` one of two."""
        if not form.sizes:
            self.rows.append(dict(form.row))
            self.offsets.append(form.offset)
            return Literal(len(self.rows) - 1, self._strict)
        (_, (coefficient, inner)), *rest = form.sizes.items()
        plain = _Form(dict(form.row), form.offset, dict(rest))
        sides = [
            self._stated(plain.plus(inner, coefficient)),
            self._stated(plain.plus(inner, -coefficient)),
        ]
        return conjunction(sides) if coefficient < 0 else disjunction(sides)

    def _form(self, id: int, element: int) -> _Form:
        """An element of the comparison as a combination of what the model computes, and of magnitudes."""
        graph = self._lowering.graph
        node = graph[id]
        if id not in self._comparison:
            return self._computed(node, element)
        if node.data is not None:
            return _Form.number(numbers(node)[element])
        if node.op == "sub":
            left, right = (self._operand(node, number, element) for number in (0, 1))
            return left.plus(right, Fraction(-1))
        if node.op == "neg":
            return _Form.number(Fraction(0)).plus(self._operand(node, 0, element), Fraction(-1))
        if node.op == "abs":
            inner = self._operand(node, 0, element)
            if inner.sizes:
                raise NotCheckableError("the claim compares the magnitude of a magnitude")
            return _Form({}, Fraction(0), {(id, element): (Fraction(1), inner)})
        from torchlean.certificate.handlers import moved

        source = moved(graph, node)
        if source is None:
            raise NotCheckableError(f"{place(node)}, as the claim compares it, is outside the Lean checker")
        return self._form(*source[element])

    def _operand(self, node: Node, number: int, element: int) -> _Form:
        """An operand's element that this element of the result is computed from (they broadcast).

        A number is converted to the dtype that the comparison is executed in.
        """
        graph = self._lowering.graph
        operand = graph[node.inputs[number]]
        source = sources(operand.type.shape, node.type.shape)[element]
        if operand.data is not None and operand.type.dtype != node.type.dtype:
            return _Form.number(Fraction(float(operand.data.flatten()[source].to(node.type.dtype).double())))
        if operand.type.dtype != node.type.dtype and _narrower(operand.type.dtype, node.type.dtype):
            raise NotCheckableError(f"{place(node)} compares {operand.type.dtype} as {node.type.dtype}")
        return self._form(operand.id, source)

    def _computed(self, node: Node, element: int) -> _Form:
        """What the model computed; a magnitude at the end of the model is exact, and is resolved as well."""
        if node.op == "abs" and node.id in self._lowering.elements:
            inner = self._computed(self._lowering.graph[node.inputs[0]], element)
            if not inner.sizes:
                return _Form({}, Fraction(0), {(node.id, element): (Fraction(1), inner)})
        return _Form.element(self._lowering.elements[node.id][element])


def _narrower(operand: torch.dtype, result: torch.dtype) -> bool:
    """Whether converting to the result's dtype may round."""
    return operand.itemsize >= result.itemsize or not operand.is_floating_point


@dataclass(frozen=True, slots=True)
class _Form:
    """`Σ row + offset + Σ coefficient |inner|`."""

    row: Mapping[Place, Fraction]
    offset: Fraction
    sizes: Mapping[tuple[int, int], tuple[Fraction, _Form]]

    @staticmethod
    def number(value: Element) -> _Form:
        assert isinstance(value, Fraction)
        return _Form({}, value, {})

    @staticmethod
    def element(value: Element) -> _Form:
        return (
            _Form({}, value, {})
            if isinstance(value, Fraction)
            else _Form({value: Fraction(1)}, Fraction(0), {})
        )

    def plus(self, other: _Form, factor: Fraction) -> _Form:
        row, sizes = dict(self.row), dict(self.sizes)
        for key, coefficient in other.row.items():
            row[key] = row.get(key, Fraction(0)) + factor * coefficient
        for size, (coefficient, inner) in other.sizes.items():
            sizes[size] = (sizes[size][0] if size in sizes else Fraction(0)) + factor * coefficient, inner
        sizes = {size: pair for size, pair in sizes.items() if pair[0]}
        return _Form(row, self.offset + factor * other.offset, sizes)


__all__ = ["Lowered", "Lowering", "NotCheckableError", "Row", "lower", "numbers", "place", "sources"]
