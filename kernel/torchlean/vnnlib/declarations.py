"""The variables of a property file, in the two ways of declaring them.

Version 1.0 declares every element by itself, and its name says what it is: `X_0`, `X_1`, ... are inputs, `Y_0`, ...
outputs. Version 2.0 declares the tensors of a network and indexes them.
"""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

from torchlean.numbers import element_name
from torchlean.vnnlib.items import Declared, Indexed
from torchlean.vnnlib.problems import MEANING, Problems

NAME = re.compile(r"([XY])_(0|[1-9][0-9]{0,8})")

MAX_ELEMENTS = 4_000_000
"""Inputs, or outputs: far above any network that is verified, and little enough to hold a box of."""

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A declared tensor, or one element of version 1.0 (shape `()`).

    `first` is the number of its first element among the inputs or outputs.
    """

    name: str
    is_input: bool
    shape: tuple[int, ...]
    first: int
    place: Place

    def key(self, index: int) -> int:
        """The variable of a row-major element: inputs from 0 up, outputs from -1 down."""
        return self.first + index if self.is_input else ~(self.first + index)


@dataclass(slots=True)
class Declarations:
    """All variables declared so far. Mistakes are reported where they are made."""

    problems: Problems
    tensors: dict[str, Tensor] = field(default_factory=dict)
    network: Place | None = None
    _sizes: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    _unknown: set[str] = field(default_factory=set)
    _ordered: dict[bool, list[Tensor]] = field(default_factory=dict)

    @property
    def inputs(self) -> int:
        return self._sizes[True]

    @property
    def outputs(self) -> int:
        return self._sizes[False]

    def of_kind(self, is_input: bool) -> list[Tensor]:
        """In the order of their elements."""
        found = [tensor for tensor in self.tensors.values() if tensor.is_input is is_input]
        return sorted(found, key=lambda tensor: tensor.first)

    def constant(self, name: str, place: Place) -> None:
        """`(declare-const X_0 Real)`."""
        if self.network is not None:
            message = (
                "a file declares its variables with `declare-const` or with `declare-network`, not with both"
            )
            self.problems.add(MEANING, place, message)
            return
        match = NAME.fullmatch(name)
        if match is None:
            message = f"`{name}` is neither an input nor an output: inputs are called `X_0`, `X_1`, …, outputs `Y_0`, …"
            self.problems.add(MEANING, place, message)
            return
        if self._is_new(name, place):
            is_input = match[1] == "X"
            self.tensors[name] = Tensor(name, is_input, (), int(match[2]), place)
            self._sizes[is_input] += 1

    def tensor(self, declared: Declared) -> None:
        """`(declare-input X float32 [2,2])` or a `declare-output`."""
        place = declared.name_start, declared.name_end
        is_input = declared.kind == "declare-input"
        count = prod(declared.shape)
        if self._sizes[is_input] + count > MAX_ELEMENTS:
            message = f"{declared.name} has {count:,} elements; at most {MAX_ELEMENTS:,} are supported"
            self.problems.add(MEANING, place, message)
        elif self._is_new(declared.name, place):
            first = self._sizes[is_input]
            self.tensors[declared.name] = Tensor(declared.name, is_input, declared.shape, first, place)
            self._sizes[is_input] += count

    def _is_new(self, name: str, place: Place) -> bool:
        known = self.tensors.get(name)
        self._ordered.clear()
        if known is not None:
            self.problems.add(
                MEANING, place, f"`{name}` is declared twice", (known.place, "the first declaration")
            )
        return known is None

    def word(self, name: str, place: Place) -> int | None:
        """The variable that a bare word names; None (reported) when it names none."""
        tensor = self.tensors.get(name)
        if tensor is None:
            self._report_unknown(name, place)
            return None
        if tensor.shape:
            example = f"{name}[{','.join('0' * len(tensor.shape))}]"
            message = f"`{name}` has the shape {shape_text(tensor.shape)}: name one element of it, such as `{example}`"
            self.problems.add(MEANING, place, message)
            return None
        return tensor.key(0)

    def element(self, indexed: Indexed, place: Place) -> int | None:
        """The variable that `X[0,1]` names; None (reported) when it names none."""
        tensor = self.tensors.get(indexed.name)
        if tensor is None:
            self._report_unknown(indexed.name, place)
            return None
        if indexed.indices is None:
            return None
        shape = tensor.shape
        fits = len(shape) == len(indexed.indices) and all(
            i < size for i, size in zip(indexed.indices, shape, strict=True)
        )
        if not fits:
            message = (
                f"`{indexed.name}{shape_text(indexed.indices)}` is outside of `{indexed.name}`, "
                f"whose shape is {shape_text(shape)}"
            )
            self.problems.add(MEANING, place, message, (tensor.place, "the declaration"))
            return None
        index = 0
        for i, size in zip(indexed.indices, shape, strict=True):
            index = index * size + i
        return tensor.key(index)

    def name(self, key: int) -> str:
        """What the file calls a variable."""
        is_input, number = key >= 0, key if key >= 0 else ~key
        known = self._ordered.get(is_input)
        if known is None:
            known = self._ordered[is_input] = self.of_kind(is_input)
        tensor = known[bisect_right(known, number, key=lambda tensor: tensor.first) - 1]
        return element_name(tensor.name, tensor.shape, number - tensor.first)

    def _report_unknown(self, name: str, place: Place) -> None:
        if name in self._unknown:
            return
        self._unknown.add(name)
        self.problems.add(MEANING, place, f"`{name}` is not declared{self._hint(name)}")

    def _hint(self, name: str) -> str:
        match = NAME.fullmatch(name)
        if match is not None and self.network is None:
            count = self._sizes[match[1] == "X"]
            kind = "inputs" if match[1] == "X" else "outputs"
            return f": the {kind} are {match[1]}_0 to {match[1]}_{count - 1}" if count else ""
        close = difflib.get_close_matches(name, self.tensors, n=1)
        return f"; did you mean `{close[0]}`?" if close else ""

    def check(self) -> None:
        """What can be said when everything is declared: elements of version 1.0 are numbered without gaps."""
        for is_input, kind in ((True, "input"), (False, "output")):
            tensors = self.of_kind(is_input)
            if not tensors:
                message = f"no {kind} is declared, so there is nothing to check"
                self.problems.add(MEANING, self.network or (0, 0), message)
            elif self.network is None:
                self._check_numbers(tensors)

    def _check_numbers(self, tensors: Sequence[Tensor]) -> None:
        for number, tensor in enumerate(tensors):
            if tensor.first != number:
                letter = tensor.name[0]
                message = f"`{tensor.name}` is declared but `{letter}_{number}` is not; numbers start at 0 without gaps"
                self.problems.add(MEANING, tensor.place, message)
                return


def shape_text(shape: Sequence[int]) -> str:
    """As the file writes it: `[2,2]`."""
    return f"[{','.join(map(str, shape))}]"
