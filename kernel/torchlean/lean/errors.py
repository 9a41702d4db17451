"""What can go wrong before Lean looks at a certificate. Every message is for people and says what to do next."""

from __future__ import annotations


class LeanError(Exception):
    """Base of the errors of this package."""


class LeanMissingError(LeanError):
    """There is no Lean that can be used."""


class SetupError(LeanError):
    """The embedded Lean could not be put in place; what was there before is untouched."""


class RepairError(SetupError):
    """The JavaScript around the embedded Lean is not the text that the repairs were written for."""


class LibraryError(LeanError):
    """The library's sources are missing, malformed or not accepted by Lean."""


class LibraryCancelled(LeanError):
    """Building was cancelled. What was compiled until then is kept."""
