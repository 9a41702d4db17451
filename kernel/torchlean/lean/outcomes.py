"""What became of a check. A sum of plain types: only `Accepted` is a proof, and nothing else can be mistaken for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias, Union

SeverityName = Literal["error", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Message:
    """What Lean says about a place of its input: line from 1, column from 0 and in code points, as Lean counts."""

    severity: SeverityName
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {self.severity}: {self.text}"


@dataclass(frozen=True, slots=True)
class Accepted:
    """Lean read the whole input, found no error, and what it declares rests on the three standard axioms alone.

    Attributes:
        seconds: from the end of the input until Lean ended.
        messages: warnings and information.
    """

    seconds: float
    messages: tuple[Message, ...] = ()

    def describe(self) -> str:
        return f"accepted by Lean in {self.seconds:.1f} s"


@dataclass(frozen=True, slots=True)
class Rejected:
    """Lean read the input and found errors, or the input has what no proof may have."""

    seconds: float
    messages: tuple[Message, ...]

    def describe(self) -> str:
        errors = [message for message in self.messages if message.severity == "error"]
        first = (
            f"{errors[0].line}:{errors[0].column}: {errors[0].text.splitlines()[0]}"
            if errors
            else "no message"
        )
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return f"rejected by Lean: {first}{more}"


@dataclass(frozen=True, slots=True)
class TimedOut:
    seconds: float

    def describe(self) -> str:
        return f"Lean was stopped after {self.seconds:.0f} s without an answer"


@dataclass(frozen=True, slots=True)
class Cancelled:
    seconds: float

    def describe(self) -> str:
        return "the check was cancelled"


@dataclass(frozen=True, slots=True)
class _Ended:
    """Lean ended by itself, and what it did is no answer.

    Attributes:
        detail: what it said or how it ended, quoted.
    """

    words: ClassVar[str]
    seconds: float
    detail: str

    def describe(self) -> str:
        return f"{self.words}: {self.detail}"


class OutOfMemory(_Ended):
    __slots__ = ()
    words = "Lean ran out of memory"


class StackOverflow(_Ended):
    __slots__ = ()
    words = "Lean ran out of stack"


class Crashed(_Ended):
    """For another reason than memory or stack."""

    __slots__ = ()
    words = "Lean ended without an answer"


class Garbage(_Ended):
    """As if all were well, but what it wrote is not what Lean writes."""

    __slots__ = ()
    words = "Lean wrote what cannot be understood"


Outcome: TypeAlias = Union[
    Accepted, Rejected, TimedOut, Cancelled, OutOfMemory, StackOverflow, Crashed, Garbage
]


def decisive(outcome: Outcome) -> bool:
    """Whether another run would say the same: the input was read and judged."""
    return isinstance(outcome, (Accepted, Rejected))
