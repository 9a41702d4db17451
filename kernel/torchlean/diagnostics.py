"""Diagnostics: what TorchLean says about a place in a file, and the register of all codes.

Codes are stable. `TL1xx` shapes and capture (`TL12x` property files), `TL2xx` numeric hazards, `TL3xx` claims,
`TL4xx` Lean, `TL5xx` configuration. Every code has a page `docs/codes/CODE.md`, which `torchlean explain CODE` prints.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from torchlean.source import Span


class Severity(enum.IntEnum):
    """LSP's severities, with its numbers."""

    ERROR = 1
    WARNING = 2
    INFORMATION = 3
    HINT = 4


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that explains a diagnostic: where an operand came from, the call that led there."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message at one place. The message says what is wrong, why it matters and what to do next."""

    code: str
    severity: Severity
    span: Span
    message: str
    related: tuple[Related, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"{self.code} is not in the register of codes")


CODES: dict[str, str] = {
    "TL100": "syntax error",
    "TL101": "shapes or dtypes do not fit",
    "TL102": "unknown from here",
    "TL103": "name, attribute or argument error",
    "TL104": "imported file not found or not readable",
    "TL105": "analysis budget exceeded",
    "TL106": "input shape assumed",
    "TL107": "channels moved by a reshape",
    "TL110": "weight file missing or not readable",
    "TL111": "weights do not fit the module",
    "TL112": "non-finite weights",
    "TL113": "tensor too large to analyse",
    "TL114": "program and graph part",
    "TL115": "weights of another dtype",
    "TL120": "property file: syntax error",
    "TL121": "property file: meaning error",
    "TL122": "property with an empty or unbounded region",
    "TL123": "network missing or not fitting the property",
    "TL201": "overflow to infinity",
    "TL202": "invalid operation",
    "TL203": "division by zero",
    "TL204": "argument outside the domain",
    "TL205": "logarithm of zero",
    "TL206": "catastrophic cancellation",
    "TL207": "addend absorbed by a large sum",
    "TL208": "product of probabilities underflows",
    "TL209": "masked value has no gradient",
    "TL210": "softmax without subtracting the maximum",
    "TL211": "logarithm of softmax",
    "TL212": "logarithm of sigmoid",
    "TL213": "clamp after instead of before",
    "TL214": "integer loses digits as a float",
    "TL215": "floats compared by ==",
    "TL216": "epsilon absorbed",
    "TL217": "variance epsilon too small",
    "TL218": "conversion to a smaller type overflows",
    "TL219": "length from a sum of squares",
    "TL220": "arithmetic weakened by a setting",
    "TL221": "default dtype changed",
    "TL300": "claim proved",
    "TL301": "claim refuted",
    "TL302": "claim not decided",
    "TL303": "claim cannot be analysed",
    "TL304": "bad domain",
    "TL305": "claim about untrained weights",
    "TL306": "claim not decided in time",
    "TL307": "claim shown in exact arithmetic only",
    "TL308": "vacuous claim",
    "TL310": "claims about samples counted",
    "TL311": "doubtful Lyapunov function",
    "TL312": "network in training mode",
    "TL313": "claim about random draws",
    "TL314": "normalised twice",
    "TL315": "input unlike the saved statistics",
    "TL316": "red and blue exchanged",
    "TL317": "result varies from run to run",
    "TL400": "Lean missing",
    "TL401": "no answer from Lean",
    "TL402": "rejected by Lean",
    "TL403": "Lean library not built",
    "TL501": "bad setting",
    "TL502": "analysis stopped",
}
"""Every code and its title."""


def diagnostic(code: str, span: Span, message: str, *related: Related) -> Diagnostic:
    """A diagnostic with its code's usual severity."""
    return Diagnostic(code, SEVERITIES[code], span, message, related)


SEVERITIES: dict[str, Severity] = {
    "TL100": Severity.ERROR,
    "TL101": Severity.ERROR,
    "TL102": Severity.INFORMATION,
    "TL103": Severity.ERROR,
    "TL104": Severity.INFORMATION,
    "TL105": Severity.INFORMATION,
    "TL106": Severity.HINT,
    "TL107": Severity.WARNING,
    "TL110": Severity.ERROR,
    "TL111": Severity.ERROR,
    "TL112": Severity.WARNING,
    "TL113": Severity.INFORMATION,
    "TL114": Severity.ERROR,
    "TL115": Severity.WARNING,
    "TL120": Severity.ERROR,
    "TL121": Severity.ERROR,
    "TL122": Severity.WARNING,
    "TL123": Severity.ERROR,
    "TL201": Severity.WARNING,
    "TL202": Severity.WARNING,
    "TL203": Severity.WARNING,
    "TL204": Severity.WARNING,
    "TL205": Severity.WARNING,
    "TL206": Severity.WARNING,
    "TL207": Severity.WARNING,
    "TL208": Severity.WARNING,
    "TL209": Severity.WARNING,
    "TL210": Severity.WARNING,
    "TL211": Severity.WARNING,
    "TL212": Severity.WARNING,
    "TL213": Severity.WARNING,
    "TL214": Severity.WARNING,
    "TL215": Severity.WARNING,
    "TL216": Severity.WARNING,
    "TL217": Severity.WARNING,
    "TL218": Severity.WARNING,
    "TL219": Severity.WARNING,
    "TL220": Severity.WARNING,
    "TL221": Severity.HINT,
    "TL300": Severity.HINT,
    "TL301": Severity.ERROR,
    "TL302": Severity.WARNING,
    "TL303": Severity.INFORMATION,
    "TL304": Severity.ERROR,
    "TL305": Severity.WARNING,
    "TL306": Severity.WARNING,
    "TL307": Severity.WARNING,
    "TL308": Severity.WARNING,
    "TL310": Severity.INFORMATION,
    "TL311": Severity.INFORMATION,
    "TL312": Severity.WARNING,
    "TL313": Severity.WARNING,
    "TL314": Severity.WARNING,
    "TL315": Severity.WARNING,
    "TL316": Severity.WARNING,
    "TL317": Severity.HINT,
    "TL400": Severity.HINT,
    "TL401": Severity.HINT,
    "TL402": Severity.WARNING,
    "TL403": Severity.HINT,
    "TL501": Severity.WARNING,
    "TL502": Severity.WARNING,
}
