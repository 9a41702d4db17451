"""The only place where code of the user's is run: in a process with limits, which reports what became of it.

What this promises and what it does not stands in docs/conformance.md.
"""

from torchlean.sandbox.channel import Channel
from torchlean.sandbox.limits import Limits
from torchlean.sandbox.report import Deed, Ending, Report, Walls
from torchlean.sandbox.running import SandboxError, run

__all__ = ["Channel", "Deed", "Ending", "Limits", "Report", "SandboxError", "Walls", "run"]
