"""A document and what is known of it: verdicts on one axis, how current they are on the other.

Results belong to the text they were computed for. They are kept with it and looked at through the difference to the
text of now (`edits.Delta`), so an edit costs nothing per result; places that an edit touched have no result until the
next one comes. Up to three results of different age are kept:

- `complete`: the last whole answer for a text without syntax errors;
- `early`: the first layer (shapes) of an answer that is still being computed;
- `broken`: the answer for a newer text that has a syntax error.

Each text change or change of a dependency makes a new `revision`; a result is current when it is of this revision.
"""

from __future__ import annotations

import enum
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from torchlean.analysis import views
from torchlean.analysis.result import FamilyResult, FileAnalysis, UnitResult
from torchlean.analysis.views import Ends
from torchlean.source import Span
from torchlean_server.edits import Delta
from torchlean_server.proofs import Key, Proof, proof_key
from torchlean_server.text import Text

SYNTAX_ERRORS = frozenset({"TL100", "TL120"})
"""Of Python files and of property files."""

FILE_TROUBLE = frozenset({"TL104", "TL110", "TL111", "TL123"})
"""Codes that a half-written dependency causes."""


class Freshness(enum.Enum):
    """How current a result is."""

    CURRENT = "current"
    CHECKING = "being checked"
    STALE = "stale"


class Anchor:
    """A text that was analysed, when, and what became of it since."""

    def __init__(self, text: Text, revision: int) -> None:
        self.text = text
        self.revision = revision
        self.moment = time.time()
        self.delta = Delta()


@dataclass(frozen=True, slots=True)
class Track:
    """An analysis with the text it speaks about."""

    analysis: FileAnalysis
    anchor: Anchor

    def now(self, span: Span) -> tuple[int, int] | None:
        """Offsets in the text of now of a span of the analysed text; None when it was edited."""
        return self.anchor.delta.forward(*self.anchor.text.offsets(span))

    def then(self, offset: int) -> tuple[int, int] | None:
        """(line, column) in the analysed text of an offset of now; None for what is new."""
        before = self.anchor.delta.backward(offset)
        return None if before is None else self.anchor.text.position(before)


@dataclass(frozen=True, slots=True)
class Layer:
    """A track as it may be shown now. `note` says why it is not current, empty when it is."""

    track: Track
    freshness: Freshness
    note: str

    @property
    def stale(self) -> bool:
        return self.freshness is not Freshness.CURRENT


@dataclass(frozen=True, slots=True)
class ShownUnit:
    unit: UnitResult
    layer: Layer

    @property
    def id(self) -> str:
        """Names are unique per kind."""
        return unit_id(self.unit)


@dataclass(frozen=True, slots=True)
class ShownFamily:
    """A family of claims, and the layer that it is shown from."""

    family: FamilyResult
    layer: Layer


def unit_id(unit: UnitResult) -> str:
    return views.unit_id(unit.kind, unit.name)


def has_verdict(unit: UnitResult) -> bool:
    """Whether everything is there that a lens tells of a unit."""
    if unit.kind == "family":
        return bool(unit.summary)  # its counts, once they are final
    return unit.kind not in ("claim", "property") or unit.claim is not None


def has_numbers(unit: UnitResult) -> bool:
    """Whether everything is there that a hint tells of a unit."""
    return not unit.begun and any(fact.lower is not None for fact in unit.facts)


@dataclass(frozen=True, slots=True)
class Trouble:
    """The analysis of a revision was stopped, for this reason; `code` is its diagnostic's."""

    revision: int
    code: str
    reason: str


class Document:
    """One open document.

    Attributes:
        uri: the client's name for it; path: what the analysis calls it.
        version: the client's number of the text; revision: ours, which also counts changes of dependencies.
        checking: an analysis of the current revision is due or running.
        selected: id of the unit whose domain hovers show, if chosen.
        why: what happened at the last change of revision, for the note on older results.
        serial: counts everything that may change what is shown.
        last_seconds: how long the last finished analysis took.
        started: how many analyses of it were started.
        proofs: what Lean says of its proved claims, of those shown at least.
        attention: when a person last worked with it; larger is later.
        view: the lines last seen on the screen, first and last, where the client tells.
        domains: boxes that a person tries out in the place of those that the file states, by unit and input. Nothing
            but the graph is shown for them.
    """

    def __init__(self, uri: str, path: str, version: int, string: str) -> None:
        self.uri = uri
        self.path = path
        self.version = version
        self.text = Text(string)
        self.revision = 0
        self.serial = 0
        self.checking = False
        self.why = ""
        self.selected: str | None = None
        self.complete: Track | None = None
        self.early: Track | None = None
        self.broken: Track | None = None
        self.trouble: Trouble | None = None
        self.last_seconds: float | None = None
        self.started = 0
        self.proofs: dict[Key, Proof] = {}
        self.attention = 0
        self.view: tuple[int, int] | None = None
        self.domains: dict[str, dict[str, Ends]] = {}
        self._anchors: weakref.WeakSet[Anchor] = weakref.WeakSet()

    def edit(self, start: int, end: int, string: str) -> None:
        """Replace `text[start:end]`. Call `changed` after the edits of one message."""
        self.text = Text(self.text.string[:start] + string + self.text.string[end:])
        for anchor in self._anchors:
            anchor.delta = anchor.delta.then(start, end, len(string))

    def changed(self, version: int | None = None, why: str = "for the text before your last edit") -> None:
        """The text has a new version, or (without one) something that the analysis depends on changed."""
        if version is not None:
            self.version = version
        self.revision += 1
        self.serial += 1
        self.why = why

    def anchor(self) -> Anchor:
        """A mark on the text of now, for an analysis of it. Moves with edits as long as somebody holds it."""
        anchor = Anchor(self.text, self.revision)
        self._anchors.add(anchor)
        return anchor

    def accept(self, analysis: FileAnalysis, anchor: Anchor) -> bool:
        """Take a result; False when a newer or more complete one is known."""
        track = Track(analysis, anchor)
        newest = max((t.anchor.revision for t in (self.complete, self.broken) if t), default=-1)
        if anchor.revision < newest or (not analysis.complete and anchor.revision == newest):
            return False
        self.serial += 1
        if not analysis.complete:
            self.early = track
            return True
        if self.early and self.early.anchor.revision <= anchor.revision:
            self.early = None
        if has_syntax_error(analysis):
            self.broken = track
        else:
            self.complete, self.broken = track, None
        if self.trouble and self.trouble.revision <= anchor.revision:
            self.trouble = None
        return True

    def stopped(self, trouble: Trouble) -> None:
        """The analysis of a revision gave no answer."""
        self.serial += 1
        self.trouble = trouble
        self.early = None

    def answered(self) -> bool:
        """Everything that is to be said of the current revision is known."""
        tracks = (self.complete, self.broken)
        return any(track and track.anchor.revision == self.revision for track in tracks) or (
            self.trouble is not None and self.trouble.revision == self.revision
        )

    def layers(self) -> list[Layer]:
        """What may be shown, newest first."""
        tracks = [track for track in (self.early, self.broken, self.complete) if track is not None]
        return [self._layer(track) for track in sorted(tracks, key=lambda t: -t.anchor.revision)]

    def _layer(self, track: Track) -> Layer:
        if track.anchor.revision == self.revision:
            return Layer(track, Freshness.CURRENT, "")
        if self.checking:
            return Layer(track, Freshness.CHECKING, f"stale: {self.why}, being checked")
        if self.trouble is not None:
            return Layer(track, Freshness.STALE, f"stale: {self.why}; {self.trouble.reason}")
        return Layer(track, Freshness.STALE, "stale: from before the syntax error")

    def units(self, whole: Callable[[UnitResult], bool]) -> list[ShownUnit]:
        """Every unit once: from the newest layer that has the `whole` of it and followed it to the end, then from the
        others.

        While a claim is searched its bounds are new already and its verdict is the last one; a unit that a syntax
        error cut off is shown as it was before.
        """
        found = [ShownUnit(unit, layer) for layer in self.layers() for unit in layer.track.analysis.units]
        found.sort(key=lambda shown: (not whole(shown.unit), shown.unit.failure is not None))
        shown: dict[str, ShownUnit] = {}
        for candidate in found:
            shown.setdefault(candidate.id, candidate)
        return list(shown.values())

    def families(self) -> list[ShownFamily]:
        """Every family of claims once, from the newest layer that has begun to count it."""
        shown: dict[str, ShownFamily] = {}
        for layer in self.layers():
            for family in layer.track.analysis.families:
                shown.setdefault(family.name, ShownFamily(family, layer))
        return list(shown.values())

    def proof(self, unit: UnitResult) -> Proof | None:
        """What Lean says of a unit of any layer; None where it was not asked about exactly this claim."""
        key = proof_key(unit)
        return None if key is None else self.proofs.get(key)

    def provable(self) -> dict[Key, UnitResult]:
        """The proved claims of the current revision's whole answer: empty while that is being computed."""
        track = self.complete
        if track is None or track.anchor.revision != self.revision:
            return {}
        return {key: unit for unit in track.analysis.units if (key := proof_key(unit)) is not None}

    def unproved(self) -> dict[Key, UnitResult]:
        """Those of them that Lean is still to be heard about."""
        found = self.provable()
        return {k: unit for k, unit in found.items() if k in self.proofs and self.proofs[k].pending}

    def stand(self, proof: Proof) -> None:
        """A claim's proof is new."""
        self.proofs[proof.claim, proof.key] = proof
        self.serial += 1

    def forget_proofs(self) -> None:
        """Drop the proofs of claims that no layer has any more."""
        kept = {proof_key(unit) for layer in self.layers() for unit in layer.track.analysis.units}
        self.proofs = {key: proof for key, proof in self.proofs.items() if key in kept}

    def cut_off(self) -> dict[str, ShownUnit]:
        """Units that the newest layer could not follow and that are shown from an older one, by id."""
        newest = next((layer.track for layer in self.layers()), None)
        failed = {unit_id(u) for u in newest.analysis.units if u.failure} if newest else set()
        return {
            shown.id: shown
            for shown in self.units(has_verdict)
            if shown.id in failed and shown.layer.track is not newest
        }

    def dependencies(self) -> dict[str, float]:
        """Files whose change is a reason to check again, and when the newest analysis that read them began."""
        found: dict[str, float] = {}
        for layer in reversed(self.layers()):
            found |= dict.fromkeys(layer.track.analysis.dependencies, layer.track.anchor.moment)
        return found


def has_syntax_error(analysis: FileAnalysis) -> bool:
    return any(d.code in SYNTAX_ERRORS and d.span.path == analysis.path for d in analysis.diagnostics)


def file_trouble(analysis: FileAnalysis) -> set[tuple[str, str]]:
    """The (code, message) pairs that may come from a file that is being written."""
    return {(d.code, d.message) for d in analysis.diagnostics if d.code in FILE_TROUBLE}
