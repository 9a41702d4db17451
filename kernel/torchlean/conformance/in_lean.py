"""A claim's network in Lean: the numbers that its kernel confirms, at a few inputs, to be compared with the program's.

The network is the one that a certificate of the claim states (`certificate.lower`), whether the claim is proved or not.
Two things are asked:

* its exact values. `Network.run` computes them in rationals, and the kernel evaluates `Graph.extend`, node by node;
* a binary32 execution, the one of `run32`: one accumulator for each row, from the bias on, first product first.
  `torchlean.float32` computes it, and the kernel computes each of its products and sums again, to the last bit.

Values are stated, and not asked for: the kernel says yes or no to a statement, and a program that prints numbers would
have to be believed. As the kernel evaluates on demand, it would compute a number again wherever that is used; so each
step is stated of numbers, and theorems of two lines put the steps together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from torchlean.bounds import BoundsCache
from torchlean.certificate import NotCheckableError, lean_terms, lower
from torchlean.certificate.certify import GRID
from torchlean.certificate.lowering import Lowered
from torchlean.certificate.network import Add, Hinge, Linear, Network, Role
from torchlean.claims.decide import pose
from torchlean.claims.domain import Box
from torchlean.conformance.patterns import Outside
from torchlean.float32 import Environment, NanPolicy, vector
from torchlean.float32.vector import Bits
from torchlean.graph import Graph
from torchlean.lean import Accepted, Outcome, Rejected

Ask: TypeAlias = Callable[[str], "Outcome | str"]
"""What the kernel says of a file; or why there is no Lean to ask."""

Values: TypeAlias = Sequence[Sequence[float]]
"""Of a network at one input, that first."""

INPUTS = 4

EXACT_WORK = 4_000
"""Products of rationals in one file: the kernel takes a few milliseconds for each."""

ROUNDED_WORK = 200
"""Operations of binary32 in one file: the kernel takes about a fifth of a second for each."""

TOGETHER = 40
"""Operations that one theorem states."""

_ONE_NAN = Environment(nan_policy=NanPolicy.CANONICAL)
"""The Lean library knows one NaN."""


class Denied(Exception):
    """The kernel does not confirm what Python computes, or gave no answer; the message is a clause."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.describe())
        self.rejected = isinstance(outcome, Rejected)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A claim's network at the first inputs.

    Attributes:
        lowered: the network.
        graph: of the claim.
        nodes: of the graph, whose values are wanted.
    """

    lowered: Lowered
    graph: Graph
    nodes: Sequence[int]

    @property
    def network(self) -> Network:
        return self.lowered.statement.network

    def exact(self, points: Mapping[str, Tensor], ask: Ask) -> list[Tensor]:
        """The exact values of the nodes, (inputs, *shape) each, rounded to float64.

        Raises:
            Outside: the network is too large, or Lean is not there.
            Denied: see there.
        """
        size = self.network.weights
        if size > EXACT_WORK:
            raise Outside(f"its network has {size:,} numbers, which the Lean kernel would take too long for")
        count = min(INPUTS, _count(points), EXACT_WORK // max(size, 1))
        runs = [self.network.run(self._flat(points, place)) for place in range(count)]
        _confirm(_exact_source(self.network, runs), ask)
        return self._wanted(
            [[[float(value) for value in part] for part in run] for run in runs], torch.float64
        )

    def rounded(self, points: Mapping[str, Tensor], ask: Ask) -> list[Tensor]:
        """The numbers of the nodes in the execution that `run32` is, (inputs, *shape) each.

        Raises:
            Outside: the network is too large, it is executed in other steps, or Lean is not there.
            Denied: see there.
        """
        self._check_executable()
        executed = [node for node in self.network.nodes[:-1] if not isinstance(node, Hinge)]
        size = sum(
            2 * len(node.weight) * len(node.weight[0]) if isinstance(node, Linear) else 1 for node in executed
        )
        if size > ROUNDED_WORK:
            raise Outside(f"it has {size:,} operations, which the Lean kernel would take too long for")
        count = min(INPUTS, _count(points), ROUNDED_WORK // max(size, 1))
        steps = _Steps()
        runs = [_executed(self.network, self._flat(points, place), steps) for place in range(count)]
        _confirm(steps.source(), ask)
        return self._wanted([[part.view(np.float32).tolist() for part in run] for run in runs], torch.float32)

    def _check_executable(self) -> None:
        if self.lowered.departure:
            raise Outside(self.lowered.departure)
        roles = self.network.roles
        if not roles or any(role is not Role.OPERATION for role in roles[:-1]):
            raise Outside("some of its numbers are chosen, where `run32` computes sums")
        if any(isinstance(node, Hinge) and not node.is_relu for node in self.network.nodes[:-1]):
            raise Outside("`run32` has no piecewise linear functions beside relu")

    def _flat(self, points: Mapping[str, Tensor], place: int) -> list[Fraction]:
        """An input's elements in the network's order."""
        values = [points[name][place].double().flatten().tolist() for name in self.lowered.inputs]
        return [Fraction(number) for part in values for number in part]

    def _wanted(self, runs: Sequence[Values], dtype: torch.dtype) -> list[Tensor]:
        return [torch.stack([self._value(id, run, dtype) for run in runs]) for id in self.nodes]

    def _value(self, id: int, run: Values, dtype: torch.dtype) -> Tensor:
        """A node of the graph, by the values of the network.

        A magnitude that a claim compares is two inequalities in the network, of what it is the magnitude of.
        """
        node = self.graph[id]
        if node.data is not None:
            return node.data.to(dtype)
        elements = self.lowered.elements.get(id)
        if elements is not None:
            found = [float(e) if isinstance(e, Fraction) else run[e[0]][e[1]] for e in elements]
            return torch.tensor(found, dtype=dtype).reshape(node.type.shape)
        if node.op == "abs":
            return self._value(node.inputs[0], run, dtype).abs()
        raise Outside(f"op {node.op}, as the claim compares it, is not in the network")


def evaluation(graph: Graph, nodes: Sequence[int], domains: Mapping[str, Box]) -> Evaluation:
    """The network of a claim.

    Args:
        graph: whose weights all are numbers, with the claim's result as its output.

    Raises:
        Outside: no certificate could speak of it.
    """
    margin = pose(graph, graph.outputs[0], domains, BoundsCache()).margin
    try:
        try:
            lowered = lower(margin, len(graph), domains, GRID)
        except NotCheckableError:
            lowered = lower(margin, len(graph), domains, GRID, exact=True)
    except NotCheckableError as error:
        raise Outside(str(error)) from error
    return Evaluation(lowered, graph, nodes)


def _count(points: Mapping[str, Tensor]) -> int:
    return min(len(value) for value in points.values())


def _confirm(source: str, ask: Ask) -> None:
    outcome = ask(source)
    if isinstance(outcome, str):
        raise Outside(outcome)
    if not isinstance(outcome, Accepted):
        raise Denied(outcome)


def _exact_source(network: Network, runs: Sequence[Sequence[Sequence[Fraction]]]) -> str:
    """For each input the theorem of all its values, made of one for each node."""
    parts = [_EXACT]
    for index, node in enumerate(network.nodes):
        bits = lean_terms.bits_of([w for row in node.weight for w in row]) if isinstance(node, Linear) else 0
        term = lean_terms.node(network, index, lean_terms.field_width(bits))
        parts.append(f"@[expose] def node{index} : Node := {term}\n")
    for place, values in enumerate(runs):
        terms = [_vector(value) for value in values]
        proof = "rfl"
        for index in range(len(network.nodes)):
            below = f"[{', '.join(reversed(terms[: index + 1]))}]"
            parts.append(
                f"theorem value{place}_{index} : (extend {network.grid} [node{index}] {below}).head? =\n"
                f"    some ({terms[index + 1]}) := by decide +kernel\n"
            )
            proof = f"(another {proof} value{place}_{index})"
        nodes = ", ".join(f"node{index}" for index in reversed(range(len(network.nodes))))
        parts.append(
            f"theorem values{place} : extend {network.grid} [{nodes}] [{terms[0]}] =\n"
            f"    [{', '.join(reversed(terms))}] := {proof}\n"
        )
    return "\n".join([*parts, _END])


def _vector(values: Sequence[Fraction]) -> str:
    """A `Vec` of dyadic numbers."""
    places = max((value.denominator.bit_length() - 1 for value in values), default=0)
    numbers = [int(value * (1 << places)) for value in values]
    return f"dyadics {places} ({lean_terms.ints(numbers)})"


class _Steps:
    """The products and sums of executions, each with its operands and its result, once."""

    def __init__(self) -> None:
        self._cases: dict[str, dict[tuple[int, int, int], None]] = {"mul": {}, "add": {}}

    def multiplied(self, left: Bits, right: Bits) -> Bits:
        return self._noted("mul", left, right, vector.multiply(left, right, _ONE_NAN))

    def added(self, left: Bits, right: Bits) -> Bits:
        return self._noted("add", left, right, vector.add(left, right, _ONE_NAN))

    def _noted(self, name: str, left: Bits, right: Bits, result: Bits) -> Bits:
        for case in zip(left.tolist(), right.tolist(), result.tolist(), strict=True):
            self._cases[name][case] = None
        return result

    def source(self) -> str:
        """The file that states them."""
        parts = [_ROUNDED]
        for name, cases in self._cases.items():
            all_cases = list(cases)
            for start in range(0, len(all_cases), TOGETHER):
                some = all_cases[start : start + TOGETHER]
                packed = lean_terms.packed([bits for case in some for bits in case], 32)
                parts.append(
                    f"theorem {name}_{start} : agree Float32.{name} {len(some)} {packed:#x} = true := by\n"
                    "  decide +kernel\n"
                )
        return "\n".join([*parts, _END])


def _executed(network: Network, inputs: Sequence[Fraction], steps: _Steps) -> list[Bits]:
    """The patterns of all values but the last, which states the claim and is no operation."""
    values = [_patterns(inputs)]
    for node in network.nodes[:-1]:
        if isinstance(node, Linear):
            values.append(_rows(node, values[node.operand], steps))
        elif isinstance(node, Hinge):
            operand = values[node.operand]
            values.append(np.where(operand >> 31, 0, operand).astype(np.uint32))
        elif isinstance(node, Add):
            values.append(steps.added(values[node.left], values[node.right]))
        else:
            values.append(np.concatenate([values[node.left], values[node.right]]))
    return values


def _rows(node: Linear, operand: Bits, steps: _Steps) -> Bits:
    """`linear32`."""
    unit = 1 << node.scale
    total = _patterns([Fraction(number, unit) for number in node.bias])
    for column, number in enumerate(operand):
        weights = _patterns([Fraction(row[column], unit) for row in node.weight])
        total = steps.added(total, steps.multiplied(weights, np.full(len(total), number, np.uint32)))
    return total


def _patterns(numbers: Iterable[Fraction]) -> Bits:
    """Of numbers that binary32 has."""
    return np.array([float(number) for number in numbers], dtype=np.float32).view(np.uint32)


_HEADER = """module

prelude
public import TorchLean.Bridge

public noncomputable section

namespace TorchLean.Conformance
"""

_EXACT = f"""{_HEADER}
open Graph

/-- `c / 2^places` for each integer. -/
@[expose] def dyadics (places : Nat) : List Int → Vec
  | [] => []
  | c :: cs => mkRat c (2 ^ places) :: dyadics places cs

/-- One node more. -/
theorem another {{grid : Nat}} {{ns : List Node}} {{env below : List Vec}} {{n : Node}} {{y : Vec}}
    (h : extend grid ns env = below) (e : (extend grid [n] below).head? = some y) :
    extend grid (n :: ns) env = y :: below := by
  subst h
  exact congrArg (· :: extend grid ns env) (Option.some.inj e)
"""

_ROUNDED = f"""{_HEADER}
/-- Evaluates a number before it is used. -/
@[expose] def forced {{α : Type}} (n : Nat) (use : Nat → α) : α :=
  match n with
  | 0 => use 0
  | m + 1 => use (m + 1)

/-- Operands and results, in fields of 32 bits. -/
@[expose] def agree (op : Nat → Nat → Nat) : Nat → Nat → Bool
  | 0, _ => true
  | count + 1, n =>
    forced (n % 2 ^ 32) fun a => forced (n / 2 ^ 32 % 2 ^ 32) fun b => forced (n / 2 ^ 96) fun rest =>
      Nat.beq (op a b) (n / 2 ^ 64 % 2 ^ 32) && agree op count rest
"""

_END = "end TorchLean.Conformance"
