"""What a compiled module rests on, read from the file that Lean wrote.

`#print axioms` is refused in modules, and modules are all that the embedded Lean knows. The compiled form says the same
and is harder to talk out of it than a source text: every constant with its kind and everything it mentions. A module
is clean when none of its constants is an axiom and none mentions one of the axioms that stand for trust instead of
mathematics. What remains is what Lean's own library rests on: `propext`, `Classical.choice` and `Quot.sound`.

The format is Lean's own memory, written out (`src/runtime/compact.cpp` of Lean 4): a header with the address where the
file would like to lie, then objects that point at each other by such addresses. A module is up to three files, the
later ones pointing into the earlier ones. Words have 4 bytes in the embedded build and 8 in a native one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PARTS = ("", ".server", ".private")
"""The suffixes of a module's files, in the order in which they refer to each other."""

DISTRUSTED = frozenset(
    {"sorryAx", "Lean.ofReduceBool", "Lean.ofReduceNat", "Lean.trustCompiler", "lcProof", "lcAny"}
)
"""`sorry`; what `native_decide` rests on, which is the compiler; and the compiler's own stand-ins for proofs."""

_HEADER = 80
"""Bytes before the wished address: mark, version, flags, Lean's version and commit."""

_MARK = b"olean"

_ARRAY, _STRING = 246, 249  # lean.h: LeanArray, LeanString
_LARGEST_CONSTRUCTOR = 244  # lean.h: LeanMaxCtorIdx

_CONSTANT_KINDS = (
    "axiom",
    "definition",
    "theorem",
    "opaque",
    "quotient",
    "inductive",
    "constructor",
    "recursor",
)
"""The constructors of `ConstantInfo`, in order."""


class OleanError(ValueError):
    """The file is not a compiled module as this Lean writes it."""


@dataclass(frozen=True, slots=True)
class Foundations:
    """What a module declares, and what speaks against it.

    Attributes:
        theorems: names of its theorems.
        faults: one sentence for each axiom it declares or distrusted constant that it mentions.
    """

    theorems: tuple[str, ...]
    faults: tuple[str, ...]


def foundations(module: Path) -> Foundations:
    """Read `module` (its `.olean`) and the files beside it.

    Raises:
        OleanError: they are not what Lean writes.
        OSError: one cannot be read.
    """
    parts = [data for suffix in PARTS if (data := _bytes(module, suffix)) is not None]
    if not parts:
        raise OleanError(f"{module} does not exist")
    try:
        return _foundations(_Memory(parts))
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise OleanError(f"{module.name} is not a compiled module as this Lean writes it") from error


def _bytes(module: Path, suffix: str) -> bytes | None:
    file = module.with_name(module.name + suffix)
    return file.read_bytes() if suffix == "" or file.exists() else None


def _foundations(memory: _Memory) -> Foundations:
    names = memory.elements(memory.field(memory.root, 1))
    constants = memory.elements(memory.field(memory.root, 2))
    if len(names) != len(constants):
        raise OleanError(f"{len(names)} names for {len(constants)} constants")
    theorems, faults = [], []
    for pointer, constant in zip(names, constants, strict=True):
        name, kind = memory.name(pointer), memory.tag(constant)
        if kind >= len(_CONSTANT_KINDS):
            raise OleanError(f"{name} is of no known kind")
        if _CONSTANT_KINDS[kind] == "axiom":
            faults.append(f"{name} is an axiom")
        elif _CONSTANT_KINDS[kind] == "theorem":
            theorems.append(name)
    mentioned = {memory.name(pointer) for pointer in _names(memory, constants)}
    faults.extend(f"it uses {name}" for name in sorted(DISTRUSTED & mentioned))
    return Foundations(tuple(theorems), tuple(faults))


def _names(memory: _Memory, roots: Sequence[int]) -> Iterator[int]:
    """Everything reachable that looks like a `Name`. Other objects of the same look do no harm: they are never called
    like an axiom."""
    seen, todo = set(roots), list(roots)
    while todo:
        place = todo.pop()
        children = memory.children(place)
        if memory.tag(place) == 1 and len(children) == 2 and memory.is_string(children[1]):
            yield place
        for child in children:
            if not child & 1 and child not in seen:
                seen.add(child)
                todo.append(child)


class _Memory:
    """The parts of a module at the addresses where they would like to lie."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._word, self._letter = self._width(parts[0])
        self._regions = [(self._at(data, _HEADER), data) for data in parts]
        self.root = self._at(parts[-1], _HEADER + self._word)
        self._named: dict[int, str] = {0: ""}
        self.children(self.root)  # raises where the width was guessed wrongly

    @staticmethod
    def _width(data: bytes) -> tuple[int, str]:
        """Bytes of a word. The address of the root must lie in the file that begins at the wished address."""
        if data[: len(_MARK)] != _MARK:
            raise OleanError("it does not begin as compiled modules do")
        for word, letter in ((8, "<Q"), (4, "<I")):
            base, root = (struct.unpack_from(letter, data, _HEADER + index * word)[0] for index in (0, 1))
            if _HEADER <= root - base < len(data):
                return word, letter
        raise OleanError("its header is not the known one")

    def _at(self, data: bytes, offset: int) -> int:
        value: int = struct.unpack_from(self._letter, data, offset)[0]
        return value

    def _find(self, pointer: int) -> tuple[bytes, int]:
        for base, data in self._regions:
            if 0 <= pointer - base < len(data):
                return data, pointer - base
        raise OleanError(f"a pointer leads out of the file ({pointer:#x})")

    def tag(self, pointer: int) -> int:
        """The constructor's number, or the kind of object. A constructor without fields is the number itself."""
        if pointer & 1:
            return pointer >> 1
        data, offset = self._find(pointer)
        return data[offset + 7]

    def is_string(self, pointer: int) -> bool:
        return not pointer & 1 and self.tag(pointer) == _STRING

    def children(self, pointer: int) -> list[int]:
        """The fields of an object, or the elements of a list: objects, and numbers (odd), which are none."""
        data, offset = self._find(pointer)
        tag = data[offset + 7]
        if tag <= _LARGEST_CONSTRUCTOR:
            start, count = offset + 8, data[offset + 6]
        elif tag == _ARRAY:
            start, count = offset + 8 + 2 * self._word, self._at(data, offset + 8)
        else:
            return []
        return list(struct.unpack_from(f"<{count}{self._letter[1]}", data, start))

    def field(self, pointer: int, index: int) -> int:
        data, offset = self._find(pointer)
        if index >= data[offset + 6]:
            raise OleanError("an object has fewer fields than expected")
        return self._at(data, offset + 8 + index * self._word)

    def elements(self, pointer: int) -> list[int]:
        data, offset = self._find(pointer)
        if data[offset + 7] != _ARRAY:
            raise OleanError("there is no list where the module's constants should be")
        count = self._at(data, offset + 8)
        return list(struct.unpack_from(f"<{count}{self._letter[1]}", data, offset + 8 + 2 * self._word))

    def name(self, pointer: int) -> str:
        """A `Name` in dotted form; the empty name is a number without object."""
        if pointer & 1:
            return ""
        if pointer not in self._named:
            prefix = self.name(self.field(pointer, 0))
            last = self.field(pointer, 1)
            text = self._string(last) if self.is_string(last) else str(last >> 1)
            self._named[pointer] = f"{prefix}.{text}" if prefix else text
        return self._named[pointer]

    def _string(self, pointer: int) -> str:
        data, offset = self._find(pointer)
        size = self._at(data, offset + 8)
        start = offset + 8 + 3 * self._word
        return data[start : start + size - 1].decode("utf-8")
