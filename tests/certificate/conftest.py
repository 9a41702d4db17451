"""The Lean kernel for the tests that ask it about certificates."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from torchlean.lean import LeanError, Library, Outcome, Runner, find_toolchain

SECONDS = 900.0
"""For one run: many or large certificates, and a machine that may be busy."""


@pytest.fixture(scope="module")
def kernel() -> Iterator[Callable[[str], Outcome]]:
    try:
        toolchain = find_toolchain()
        library = Library.of(toolchain)
    except LeanError as error:
        pytest.skip(f"no Lean: {error}")
    if not library.complete:
        pytest.skip("the Lean library is not compiled: `torchlean lean setup`")
    with Runner(toolchain, library, timeout=SECONDS, spare=False) as runner:
        yield runner.check
