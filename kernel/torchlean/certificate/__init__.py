"""Certificates: a proved claim in exact integers, for the Lean kernel to check.

`lower` turns a claim's graph into the checker's network, `plan` finds what the kernel will accept (by `replay`, the
same checker in Python), and `certify` puts both into a `Document`, which is written as JSON and as a Lean file.
"""

from torchlean.certificate.certify import Certified, certify
from torchlean.certificate.checker import Refusal
from torchlean.certificate.document import CertificateError, Document, digest, read, write
from torchlean.certificate.lean_source import Title, theorem_name
from torchlean.certificate.lowering import NotCheckableError, lower
from torchlean.certificate.planning import NotPlannableError, plan
from torchlean.certificate.replay import replay

__all__ = [
    "CertificateError",
    "Certified",
    "Document",
    "NotCheckableError",
    "NotPlannableError",
    "Refusal",
    "Title",
    "certify",
    "digest",
    "lower",
    "plan",
    "read",
    "replay",
    "theorem_name",
    "write",
]
