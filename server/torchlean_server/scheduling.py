"""When to analyse a document that is being edited. Pure: the clock is an argument.

A first edit is analysed at once. While edits follow each other faster than results could be of use, only the quiet
moment after them counts (a trailing pause that grows with the burst), except that now and then one is analysed so
that long typing does not leave a person without any answer. The last edit of a burst waits `QUIET_MAX` at most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

CALM = 0.05
"""Seconds without an edit after which the next one is analysed at once: key repeat is 30 ms, quick typing 100 ms.
The usual duration of this document's analysis is added, since results must keep up."""

QUIET = 0.03
QUIET_MAX = 0.12
"""The pause that ends a burst, at its start and after many edits. The longest leaves more than half of the 300 ms
within which the result of a last edit should come to the analysis itself."""

GROWTH = 10
"""Edits of a burst that lengthen the pause by one `QUIET`."""

MAX_WAIT = 1.5
"""Seconds after which an edit is analysed though the burst goes on, if nothing is running: two seconds of typing cost
three analyses (the first edit, one on the way, the last)."""

TYPICAL_MAX = 0.5
"""A slow document's usual duration counts up to this, or an edit a second would never be analysed at once."""


@dataclass(slots=True)
class Pacer:
    """The rhythm of one document."""

    burst: int = 0
    typical: float = 0.0
    _last: float = -math.inf
    _since: float | None = field(default=None)

    def edited(self, now: float) -> None:
        """An edit came."""
        self.burst = 0 if now - self._last >= CALM + self.typical else self.burst + 1
        self._last = now
        if self._since is None:
            self._since = now

    def wait(self, now: float, running: bool) -> float:
        """Seconds until the analysis of the newest edit should start; 0 means now.

        Args:
            running: an analysis of an older text is running. It is overtaken only by the pause after a burst.
        """
        quiet = 0.0 if self.burst == 0 else min(QUIET * (1 + self.burst / GROWTH), QUIET_MAX)
        due = self._last + quiet
        if self._since is not None and not running:
            due = min(due, self._since + MAX_WAIT)
        return max(0.0, due - now)

    def started(self) -> None:
        """An analysis of the newest text starts."""
        self._since = None

    def finished(self, seconds: float) -> None:
        """An analysis was completed; the usual duration follows slowly."""
        self.typical = min(0.5 * self.typical + 0.5 * seconds, TYPICAL_MAX)
