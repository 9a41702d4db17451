"""What the analysis of one file says, as plain data without tensors.

This is the border between the kernel and everything that shows results: the command line, the language server, the
report. Everything here can be written as JSON (`torchlean.analysis.wire`) and crosses process borders that way.
"""

from __future__ import annotations

import enum
import math
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


MUCH = 2.0
"""From this ratio of widths on, intervals are shown beside tighter bounds: it is as much as halving the domain gives,
which is what a person with intervals alone would do next."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Bounds of a tensor in a few numbers: least lower end, greatest upper end, largest width of an element's interval.

    `undefined` says that by these bounds the value may be NaN.
    """

    lower: float
    upper: float
    width: float
    undefined: bool = False


@dataclass(frozen=True, slots=True)
class Blame:
    """The zero-based line that most of an error comes from, None for another file, and its share of it (0 to 1)."""

    line: int | None
    share: float


@dataclass(frozen=True, slots=True)
class Rounding:
    """How far an execution in the program's dtypes may be from the exact values.

    Attributes:
        error: a bound on |executed - exact| of every element; infinite where none is known.
        ulps: the same in units in the last place of the largest magnitude; None for integers and infinite errors.
        lower, upper: bounds of every executed element; infinite where the error is.
        blame: see `Blame`; None where there is no error.
        reason: why the error is infinite.
    """

    error: float
    ulps: float | None = None
    lower: float = -math.inf
    upper: float = math.inf
    blame: Blame | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TensorFact:
    """What is known of one tensor under one unit's domain.

    Attributes:
        node: id in the unit's graph (the row in `torchlean bounds`).
        op: the op's name; `label` what the source calls it; `inputs` the nodes of its operands.
        shape, dtype: exactly torch's.
        lower, upper: least lower and greatest upper bound over the elements; None where no bound was computed,
            infinite where there is none.
        width: the largest width of an element's interval.
        widest: the elements with the widest intervals, widest first (at most three).
        undefined: the value may be undefined (NaN in a float execution).
        reason: why there are no bounds, if so.
        method: what gave the bounds: `ibp` (the op's interval rule on the bounds of its operands), `crown` (backward
            linear bounds), `alpha` (the same with optimised slopes), `forward` (linear bounds of the inputs passed on).
        rounding: how far an execution may be off; None where not analysed.
        alone: what intervals alone give, where the bounds are others.
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
    rounding: Rounding | None = None
    line: int | None = None
    alone: Extent | None = None
    inputs: tuple[int, ...] = ()

    @property
    def error(self) -> float | None:
        """A bound on |execution - exact|, None where not analysed."""
        return None if self.rounding is None else self.rounding.error

    @property
    def from_linear_bounds(self) -> bool:
        """Whether the op's interval rule gave these bounds, but on operands of which linear bounds are known."""
        return self.method == "ibp" and self.alone is not None

    @property
    def much_tighter(self) -> bool:
        """Whether the bounds say so much more than intervals alone that both are worth showing.

        That is where they are narrower by `MUCH`, at the widest element or over all elements, or where only they
        exclude NaN.
        """
        if self.alone is None or self.lower is None or self.upper is None or self.width is None:
            return False
        widths = [(self.width, self.alone.width)]
        widths.append((self.upper - self.lower, self.alone.upper - self.alone.lower))
        narrower = any(mine < theirs and theirs >= MUCH * mine for mine, theirs in widths)
        return narrower or (self.alone.undefined and not self.undefined)


@dataclass(frozen=True, slots=True)
class Place:
    """At `span` of the file the tensors `facts` (indices into the unit's facts) occur, in order of execution.

    `role` is a `torchlean.capture.result.Role` value. `partly`: at other times what stands there is not followed.
    """

    span: Span
    role: str
    label: str
    facts: tuple[int, ...]
    partly: bool = False


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """The verdict of one claim.

    Attributes:
        margin: a lower bound of the claim's margin (how far the property is from failing; >= 0 proves it), None
            where nothing could be computed.
        counterexample: input name -> nested list of binary32 numbers, when refuted.
        detail: one sentence for people.
        seconds: time spent on it.
        key: of the claim's content (graph, weights, domain) in hexadecimal digits: equal keys, equal questions. Empty
            where there is no question.
        code: of the diagnostic that says why the verdict is unknown.
        trajectory: of a refuted fact about a system: executed states from the counterexample on, elements in row-major
            order.
    """

    verdict: Verdict
    evidence: Evidence
    detail: str
    margin: float | None = None
    counterexample: dict[str, object] | None = None
    seconds: float = 0.0
    key: str = ""
    code: str = "TL302"
    trajectory: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class FamilyResult:
    """Claims that one call states together, counted.

    Attributes:
        name, kind, span: the name it is bound to, the function that makes it (`robust`, `lyapunov`), and that name's
            place.
        proved, refuted, unknown, total: how many claims; while they are being decided, those not decided yet are
            `total` minus the others.
        text: the counts in a few words, for a lens.
        detail: what was shown how, in sentences for a hover.
        facts: names of its claims that are units of their own.
        members: its other claims (one for each sample) by name; of those decided already.
        correct: of classifiers, how many samples are classified correctly; None otherwise.
        seconds: spent on it.
    """

    name: str
    kind: str
    span: Span
    proved: int
    refuted: int
    unknown: int
    total: int
    text: str
    detail: str = ""
    facts: tuple[str, ...] = ()
    members: dict[str, ClaimResult] = field(default_factory=dict)
    correct: int | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the Lean kernel is asked about one proved claim.

    Attributes:
        digest: SHA-256 of `source` in UTF-8, in hexadecimal digits.
        source: a whole Lean file.
        theorem: the full name of the theorem in it.
        states: what the theorem says, in a line for people.
    """

    digest: str
    source: str
    theorem: str
    states: str = ""


@dataclass(frozen=True, slots=True)
class NotCheckable:
    """Why there is no certificate, as a clause ("op tanh is outside the checker").

    `passing`: another try may do better, because this one ran out of time or memory.
    """

    reason: str
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What became of the certificate of one claim. `key` is the claim's: the plan is for this content and no other."""

    claim: str
    key: str
    plan: Certificate | NotCheckable


@dataclass(frozen=True, slots=True)
class Agreement:
    """What running a unit's program beside its graph showed (`torchlean conform`).

    Attributes:
        agrees: every number was within what is proved of the graph.
        text: the same for people: "agrees with torch 2.13.0 eager and compiled, on 1,000 inputs".
        torch: its version.
        modes: in which ways the program was run (docs/conformance.md).
        inputs: on how many inputs, in the way that had the fewest.
        node: of the unit's graph, where they part; None where they do not.
    """

    agrees: bool
    text: str
    torch: str
    modes: tuple[str, ...]
    inputs: int
    node: int | None = None


@dataclass(frozen=True, slots=True)
class UnitResult:
    """One claim, module or script with everything to show for it.

    `domains` are (input name, text) pairs such as `("x", "box([-1, -1], [1, 1])")`; `reached` is how far the search for
    a claim's verdict is, while there is none. `family` is the name of the family that a claim is a fact of. `front_end`
    is `source`, or `export` for a unit that comes from the exported program. `agreement` is None where the program was
    never run as it is now. `begun` says of an early layer that only the first of the `facts` have their bounds yet.
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
    reached: str = ""
    family: str = ""
    front_end: str = "source"
    agreement: Agreement | None = None
    begun: bool = False


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
    """Everything known of one file. `complete` is False for an early layer: syntax and shapes first, then bounds, then
    numeric hazards (`examined`), while claims are still being decided.

    `notes` and `words` (markdown by name) are what property files have instead of places. `wanted` is the key of an
    export that would complete the file's units and is not there yet, and `offer` the `torchlean.toml`, existing or not,
    that could ask for one.
    """

    path: str
    units: tuple[UnitResult, ...] = ()
    symbols: tuple[SymbolResult, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    dependencies: tuple[str, ...] = ()
    counters: Counters = field(default_factory=Counters)
    complete: bool = True
    examined: bool = False
    notes: tuple[Note, ...] = ()
    words: dict[str, str] = field(default_factory=dict)
    families: tuple[FamilyResult, ...] = ()
    wanted: str = ""
    offer: str = ""
