"""The real service of Lean, with a program in Lean's place."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from tests.lean.test_runner import TOOLCHAIN

from torchlean.lean import Library, Runner
from torchlean.lean.sources import Module
from torchlean.lean.store import Store
from torchlean_server.lean.service import LeanService, Unavailable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are told apart by their numbers")


def test_a_library_that_is_removed_while_the_server_runs_is_no_failed_proof(tmp_path: Path) -> None:
    library = Library(TOOLCHAIN, (Module("TorchLean.A", b"", (), "0" * 64),), Store(tmp_path))
    compiled = library.folder / library.modules[0].path(".olean")
    compiled.parent.mkdir(parents=True)
    compiled.touch()
    service = LeanService()
    service._runner = Runner(TOOLCHAIN, library)
    try:
        assert service.check("REJECT", 30.0, threading.Event()).accepted is False
        assert service.check("SIGNAL", 30.0, threading.Event()).accepted is None
        compiled.unlink()
        for source in ("REJECT", "SIGNAL"):
            with pytest.raises(Unavailable, match="library is gone") as raised:
                service.check(source, 30.0, threading.Event())
            assert raised.value.code == "TL403"
    finally:
        service.close()
