"""What outlives one analysis: unsaved texts, the bounds cache, decided claims. One per worker process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torchlean.analysis.agreement import Remembered
from torchlean.bounds import BoundsCache
from torchlean.bounds.cache import Store
from torchlean.capture.workspace import Workspace
from torchlean.claims.decide import Decision
from torchlean.exported.completing import Completion
from torchlean.hazards import HazardMemory
from torchlean.rounding import ErrorsCache

if TYPE_CHECKING:
    from torchlean.analysis.result import NotCheckable
    from torchlean.certificate import Certified
    from torchlean.verification import Verification

MAX_DECIDED = 10_000
"""Decisions are small; this many covers a data set's worth of claims."""

MAX_VERIFIED = 100
"""Verdicts of property files: those of a day's editing."""

MAX_PLANNED = 500
"""Certificates, with the integers of their networks: some megabytes each at worst, and usually a hundredth of that."""

SECONDS = 30.0
"""What one analysis may take where nobody sets it."""


class Session:
    """State that makes the next analysis cheap. Dropping it loses nothing but time.

    Attributes:
        workspace: files and unsaved overlays.
        bounds: content-addressed bounds.
        errors: content-addressed rounding errors.
        hazards: content-addressed findings of numeric hazards.
        agreements: what comparisons of programs with their graphs showed.
        decided: finished decisions, under the keys of claims (graph, weights and domain). Interrupted ones are none.
        verified: verdicts of properties, under the content of both files, that no further work can change.
        method: `ibp` for intervals alone, `crown` for linear bounds and splitting where intervals do not decide.
        seconds: what one analysis may take: searches that could go on for ever end before.
        text_alone: property files are read and not decided.
        exports: whether the user's code may be run, in the sandbox, where `torchlean.toml` asks for exported programs;
            otherwise only those are taken that are there already.
        overlays: absolute path -> text of documents open in an editor; change it between analyses.
    """

    def __init__(self, roots: tuple[str, ...] = (), *, exports: bool = False) -> None:
        self.overlays: dict[str, str] = {}
        self.workspace = Workspace(roots, self.overlays)
        self.workspace.completion = Completion(runs=exports)
        self.bounds = BoundsCache()
        self.errors = ErrorsCache()
        self.hazards = HazardMemory()
        self.method = "crown"
        self.seconds = SECONDS
        self.text_alone = False
        self.agreements = Remembered()
        self.decided: Store[Decision] = _of(MAX_DECIDED)
        self.verified: Store[Verification] = _of(MAX_VERIFIED)
        self._planned: Store[Certified | NotCheckable] = _of(MAX_PLANNED)

    def begin(self) -> None:
        """An analysis begins: what the one before found, and this one uses, is not given up for what is new."""
        self.bounds.begin()
        self.errors.begin()

    def planned(self, key: bytes, name: str) -> Certified | NotCheckable | None:
        """The certificate found before for the claim with this name and content key, or why there is none."""
        return self._planned.get(key + name.encode())

    def remember_plan(self, key: bytes, name: str, plan: Certified | NotCheckable) -> None:
        """Keep what further work would not change."""
        self._planned.put(key + name.encode(), plan)


def _of(count: int) -> Store[Any]:
    """A store of so many entries."""
    return Store(count, lambda _: 1)
