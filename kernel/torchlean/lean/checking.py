"""A certificate from its text to an outcome: the gate, what was found before, Lean, and remembering."""

from __future__ import annotations

import threading

from torchlean.lean.gate import certificate_faults
from torchlean.lean.outcomes import Outcome, Rejected
from torchlean.lean.results import ResultCache, result_key
from torchlean.lean.runner import Runner


def checked(
    source: str,
    runner: Runner,
    cache: ResultCache | None,
    timeout: float | None = None,
    cancel: threading.Event | None = None,
) -> Outcome:
    """What Lean says about a certificate.

    Args:
        cache: None: neither asked nor told.
        timeout, cancel: as for `Runner.check`.
    """
    faults = certificate_faults(source)
    if faults:
        return Rejected(0.0, faults)
    key = result_key(source, runner.library, runner.toolchain)
    known = None if cache is None else cache.get(key)
    if known is not None:
        return known
    outcome = runner.check(source, timeout, cancel)
    if cache is not None:
        cache.put(key, outcome)
    return outcome
