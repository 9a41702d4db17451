"""Whether a program does what its graph says: both are run on the same inputs, in every way that torch has.

Everything that TorchLean says is said of a graph that was read from the source and never run. Here the program is run,
in the sandbox, and its numbers are compared with the graph's, within the error that is proved (docs/conformance.md).
"""

from torchlean.conformance.conforming import Options, conform
from torchlean.conformance.pointwise import partings_at
from torchlean.conformance.result import ModeResult, Outcome, Parting, UnitAgreement
from torchlean.conformance.subjects import NothingToCompare

__all__ = [
    "ModeResult",
    "NothingToCompare",
    "Options",
    "Outcome",
    "Parting",
    "UnitAgreement",
    "conform",
    "partings_at",
]
