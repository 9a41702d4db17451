"""The forms of VNN-LIB 2.0's network declarations.

Grammar and meaning: VNN-LIB 2.0, "Query Language", section "Network Declarations" (https://www.vnnlib.org). What one
network with real or floating-point tensors needs is supported; hidden nodes and several networks are named and refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from torchlean.vnnlib.declarations import Declarations, shape_text
from torchlean.vnnlib.items import BAD, Bad, Declared, Indexed, Item, Value, described
from torchlean.vnnlib.problems import MEANING, SYNTAX, Problems

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

REAL_TYPES = frozenset({"real", "float16", "float32", "float64", "bfloat16", "float", "double"})
"""Element types that are read as real numbers, in small letters (drafts of the standard wrote `Real`)."""

ONNX_TYPES = REAL_TYPES | {
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (2, 4, 8, 16, 32, 64)),
    *("int", "bool", "string", "complex64", "complex128"),
    *("float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "float4e2m1"),
}

PARTS = frozenset({"declare-input", "declare-output", "declare-hidden", "equal-to", "isomorphic-to"})
"""What stands inside a `declare-network`."""


class Networks:
    """Reads the parts of a network's declaration, and the declaration."""

    def __init__(self, declarations: Declarations, problems: Problems) -> None:
        self._declarations = declarations
        self._problems = problems

    def part(self, kind: str, operands: list[Item], start: int, end: int) -> Value:
        """`(declare-input X float32 [2,2])`, `(equal-to f)`, ...: one of `PARTS`."""
        if kind in ("equal-to", "isomorphic-to"):
            # Where several networks are declared, that is what is reported.
            return Declared(kind)
        if any(isinstance(operand.value, Bad) for operand in operands):
            return BAD
        if kind == "declare-hidden":
            self._report(
                MEANING,
                (start, end),
                "hidden nodes are not supported: only inputs and outputs can be constrained",
            )
            return BAD
        if kind == "declare-input" and len(operands) == 3 and operands[2].value == "initialized":
            message = "inputs that keep the model's initial value are not supported; constrain them with `==`"
            self._report(MEANING, operands[2].place, message)
            return BAD
        return self._tensor(kind, operands, (start, end))

    def _tensor(self, kind: str, operands: list[Item], place: tuple[int, int]) -> Value:
        name = operands[0].value if operands else None
        typed = operands[1].value if len(operands) == 2 else None
        if not isinstance(name, str) or not isinstance(typed, Indexed):
            self._report(
                SYNTAX, place, f"expected `({kind} NAME TYPE [SHAPE])`, such as `({kind} X float32 [1,5])`"
            )
            return BAD
        if NAME.fullmatch(name) is None:
            self._report_name(operands[0])
            return BAD
        if typed.indices is None or not self._is_real(typed.name, operands[1]):
            return BAD
        if 0 in typed.indices:
            message = f"the shape {shape_text(typed.indices)} has no elements"
            self._report(MEANING, operands[1].place, message)
            return BAD
        return Declared(kind, name, typed.indices, *operands[0].place)

    def _is_real(self, name: str, item: Item) -> bool:
        known = name.lower()
        if known in REAL_TYPES:
            return True
        if known in ONNX_TYPES:
            message = f"tensors of `{name}` are not supported, only real and floating-point ones"
        else:
            message = f"`{name}` is no element type; expected `real`, `float32`, `float64`, …"
        self._report(MEANING, (item.start, item.start + len(name)), message)
        return False

    def network(self, operands: list[Item], start: int, end: int) -> None:
        """`(declare-network f (declare-input ...) (declare-output ...))`."""
        if not operands or not isinstance(operands[0].value, str):
            message = "expected `(declare-network NAME (declare-input …) (declare-output …))`"
            self._report(SYNTAX, (start, end), message)
            return
        head = operands[0]
        if NAME.fullmatch(str(head.value)) is None:
            self._report_name(head)
        if self._declarations.network is not None:
            message = "this file declares several networks; only one is supported"
            self._report(MEANING, head.place, message, (self._declarations.network, "the first"))
            return
        if self._declarations.tensors:
            message = (
                "a file declares its variables with `declare-const` or with `declare-network`, not with both"
            )
            self._report(MEANING, head.place, message)
            return
        self._declarations.network = head.place
        self._adopt(operands[1:])

    def _adopt(self, parts: list[Item]) -> None:
        seen_output = False
        for part in parts:
            value = part.value
            if isinstance(value, Bad):
                continue
            if not isinstance(value, Declared):
                self._report(
                    SYNTAX,
                    part.place,
                    f"expected `(declare-input …)` or `(declare-output …)`, got {described(part)}",
                )
            elif value.kind in ("equal-to", "isomorphic-to"):
                self._report(
                    MEANING, part.place, f"`{value.kind}` relates several networks; only one is supported"
                )
            else:
                if value.kind == "declare-input" and seen_output:
                    self._report(SYNTAX, part.place, "inputs are declared before outputs")
                seen_output |= value.kind == "declare-output"
                self._declarations.tensor(value)

    def _report_name(self, item: Item) -> None:
        message = (
            f"{described(item)} is no name: names start with a letter and have letters, digits and `_` only"
        )
        self._report(SYNTAX, item.place, message)

    @property
    def _report(self) -> Callable[..., None]:
        return self._problems.add


VERSION = re.compile(r"<([0-9]{1,6})\.([0-9]{1,6})>")


def version(operands: list[Item], place: tuple[int, int], problems: Problems) -> str | None:
    """The version that `(vnnlib-version <2.0>)` names, if it is one that is known."""
    word = operands[0].value if len(operands) == 1 else None
    match = VERSION.fullmatch(word) if isinstance(word, str) else None
    if match is None:
        problems.add(SYNTAX, place, "expected `(vnnlib-version <2.0>)`")
        return None
    if match[1] not in ("1", "2"):
        message = f"version {match[1]}.{match[2]} of VNN-LIB is not known; 1.0 and 2.x are"
        problems.add(MEANING, operands[0].place, message)
        return None
    return f"{match[1]}.{match[2]}"
