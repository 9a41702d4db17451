"""What the analysis of one file says, as plain data without tensors.

This is the border between the kernel and everything that shows results: the command line, the language server, the
report. Everything here can be written as JSON (`torchlean.analysis.wire`) and crosses process borders that way.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from torchlean.diagnostics import Diagnostic
from torchlean.source import Span


class Verdict(str, enum.Enum):
    PROVED = "proved"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


class Evidence(str, enum.Enum):
    """Why a verdict holds. Nothing reads "proved" without one."""

    KERNEL = "kernel"  # the Lean kernel accepted the theorem
    ENGINE = "engine"  # outward-rounded arithmetic, not re-checked
    COUNTEREXAMPLE = "counterexample"  # a concrete binary32 input, replayed
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a tensor and its interval."""

    index: tuple[int, ...]
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class TensorFact:
    """What is known of one tensor under one unit's domain.

    Attributes:
        node: id in the unit's graph (the row in `torchlean bounds`).
        op: the op's name; `label` what the source calls it.
        shape, dtype: exactly torch's.
        lower, upper: least lower and greatest upper bound over the elements; None where no bound was computed,
            infinite where there is none.
        width: the largest width of an element's interval.
        widest: the elements with the widest intervals, widest first (at most three).
        undefined: the value may be undefined (NaN in a float execution).
        reason: why there are no bounds, if so.
        method: what gave the bounds (`ibp`).
        error: bound on |binary32 execution - exact|, None where not analysed.
    """

    node: int
    op: str
    label: str
    shape: tuple[int, ...]
    dtype: str
    lower: float | None
    upper: float | None
    width: float | None
    widest: tuple[Element, ...] = ()
    undefined: bool = False
    reason: str | None = None
    method: str = "ibp"
    error: float | None = None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """At `span` of the file the tensors `facts` (indices into the unit's facts) occur, in order of execution.

    `role` is a `torchlean.capture.result.Role` value.
    """

    span: Span
    role: str
    label: str
    facts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """The verdict of one claim.

    Attributes:
        margin: a lower bound of the claim's margin (how far the property is from failing; >= 0 proves it), None
            where nothing could be computed.
        counterexample: input name -> nested list of binary32 numbers, when refuted.
        detail: one sentence for people.
        seconds: time spent on it.
    """

    verdict: Verdict
    evidence: Evidence
    detail: str
    margin: float | None = None
    counterexample: dict[str, object] | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class UnitResult:
    """One claim, module or script with everything to show for it.

    `domains` are (input name, text) pairs such as `("x", "box([-1, -1], [1, 1])")`.
    """

    kind: str
    name: str
    span: Span
    summary: str
    parameters: int
    domains: tuple[tuple[str, str], ...]
    facts: tuple[TensorFact, ...]
    places: tuple[Place, ...]
    claim: ClaimResult | None = None
    failure: str | None = None
    assumed_input: bool = False


@dataclass(frozen=True, slots=True)
class SymbolResult:
    """An entry of the document's outline."""

    name: str
    kind: str
    span: Span
    name_span: Span
    children: tuple[SymbolResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Markdown to show for a place, where there is no tensor to show."""

    span: Span
    markdown: str


@dataclass(frozen=True, slots=True)
class Counters:
    """How much of the answer was computed now and how much came from the cache, in graph nodes."""

    computed: int = 0
    reused: int = 0


@dataclass(frozen=True, slots=True)
class FileAnalysis:
    """Everything known of one file. `complete` is False for an early layer (syntax and shapes, no bounds yet).

    `notes` and `words` (markdown by name) are what property files have instead of places.
    """

    path: str
    units: tuple[UnitResult, ...] = ()
    symbols: tuple[SymbolResult, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    dependencies: tuple[str, ...] = ()
    counters: Counters = field(default_factory=Counters)
    complete: bool = True
    notes: tuple[Note, ...] = ()
    words: dict[str, str] = field(default_factory=dict)
