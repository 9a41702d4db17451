"""Finding, installing and running Lean; see docs/lean.md. It knows texts and verdicts, no graphs."""

from torchlean.lean.checking import checked
from torchlean.lean.errors import (
    LeanError,
    LeanMissingError,
    LibraryCancelled,
    LibraryError,
    RepairError,
    SetupError,
)
from torchlean.lean.gate import certificate_faults
from torchlean.lean.installing import set_up
from torchlean.lean.library import Library
from torchlean.lean.outcomes import (
    Accepted,
    Cancelled,
    Crashed,
    Garbage,
    Message,
    Outcome,
    OutOfMemory,
    Rejected,
    StackOverflow,
    TimedOut,
    decisive,
)
from torchlean.lean.process import IDLE, Limits
from torchlean.lean.results import ResultCache, result_key
from torchlean.lean.runner import Runner
from torchlean.lean.toolchain import Toolchain, find_toolchain

__all__ = [
    "IDLE",
    "Accepted",
    "Cancelled",
    "Crashed",
    "Garbage",
    "LeanError",
    "LeanMissingError",
    "Library",
    "LibraryCancelled",
    "LibraryError",
    "Limits",
    "Message",
    "OutOfMemory",
    "Outcome",
    "Rejected",
    "RepairError",
    "ResultCache",
    "Runner",
    "SetupError",
    "StackOverflow",
    "TimedOut",
    "Toolchain",
    "certificate_faults",
    "checked",
    "decisive",
    "find_toolchain",
    "result_key",
    "set_up",
]
