"""The second front end: what `torch.export` records when the user's code runs, as the same graph, and compared with it.

Static capture reads the code, this runs it: in the sandbox, for the command line and trusted workspaces alone. Both
build graphs of the same ops, so one can vouch for the other, and a model that the one cannot follow can come from the
other.
"""

from torchlean.exported.comparison import Comparison, Difference, compare
from torchlean.exported.outcome import Outcome, exportable, job, outcomes
from torchlean.exported.program import Job, Refusal, Reply, Request
from torchlean.exported.running import ExportError, export
from torchlean.exported.walk import Exported, walk

__all__ = [
    "Comparison",
    "Difference",
    "ExportError",
    "Exported",
    "Job",
    "Outcome",
    "Refusal",
    "Reply",
    "Request",
    "compare",
    "export",
    "exportable",
    "job",
    "outcomes",
    "walk",
]
