"""Results as JSON-able dictionaries and back, for crossing process borders.

`decode(encode(x)) == x`. Infinite bounds are written as Python's `json` writes them (`Infinity`), which only our own
processes read; the command line's documents for others have their own, strict form (`torchlean.report_json`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cattrs

from torchlean.analysis.result import Certificate, FileAnalysis, NotCheckable, Plan
from torchlean.analysis.views import View, Viewed
from torchlean.diagnostics import Severity
from torchlean.edits import Fix
from torchlean.source import Span

_converter = cattrs.Converter(unstruct_strat=cattrs.UnstructureStrategy.AS_DICT)

# Spans are most of a message: five numbers and a path as a list are a third of the size of an object.
_converter.register_unstructure_hook(
    Span, lambda span: [span.path, span.line, span.column, span.end_line, span.end_column]
)
_converter.register_structure_hook(Span, lambda value, _: Span(*value))
_converter.register_structure_hook(Severity, lambda value, _: Severity(value))
# Plain data inside counterexamples; cattrs would refuse `object`.
_converter.register_structure_hook_func(lambda cls: cls is object, lambda value, _: value)


def _structured_plan(value: dict[str, Any], _: object) -> Certificate | NotCheckable:
    if "reason" in value:
        return _converter.structure(value, NotCheckable)
    return _converter.structure(value, Certificate)


_converter.register_structure_hook_func(lambda cls: cls == Certificate | NotCheckable, _structured_plan)


def encode(analysis: FileAnalysis) -> dict[str, Any]:
    """The result as nested dictionaries, lists, strings and numbers."""
    encoded: dict[str, Any] = _converter.unstructure(analysis)
    return encoded


def decode(data: dict[str, Any]) -> FileAnalysis:
    """The result back from `encode`'s form, possibly after JSON.

    Raises:
        cattrs.BaseValidationError: the data has another form.
    """
    return _converter.structure(data, FileAnalysis)


def encode_fixes(fixes: Sequence[Fix]) -> list[dict[str, Any]]:
    """Quick fixes in the same form."""
    encoded: list[dict[str, Any]] = _converter.unstructure(list(fixes))
    return encoded


def decode_fixes(data: list[dict[str, Any]]) -> tuple[Fix, ...]:
    """The fixes back from `encode_fixes`' form.

    Raises:
        cattrs.BaseValidationError: the data has another form.
    """
    return _converter.structure(data, tuple[Fix, ...])


def encode_plans(plans: Sequence[Plan]) -> list[dict[str, Any]]:
    """What became of certificates in the same form."""
    encoded: list[dict[str, Any]] = _converter.unstructure(list(plans))
    return encoded


def decode_plans(data: list[dict[str, Any]]) -> tuple[Plan, ...]:
    """The plans back from `encode_plans`' form.

    Raises:
        cattrs.BaseValidationError: the data has another form.
    """
    return _converter.structure(data, tuple[Plan, ...])


def encode_view(view: View) -> dict[str, Any]:
    """What is to be seen, in the same form."""
    encoded: dict[str, Any] = _converter.unstructure(view)
    return encoded


def decode_view(data: dict[str, Any]) -> View:
    """The same back from `encode_view`'s form.

    Raises:
        cattrs.BaseValidationError: the data has another form.
    """
    return _converter.structure(data, View)


def encode_viewed(viewed: Viewed) -> dict[str, Any]:
    """A view in the same form."""
    encoded: dict[str, Any] = _converter.unstructure(viewed)
    return encoded


def decode_viewed(data: dict[str, Any]) -> Viewed:
    """The view back from `encode_viewed`' form.

    Raises:
        cattrs.BaseValidationError: the data has another form.
    """
    return _converter.structure(data, Viewed)


__all__ = [
    "decode",
    "decode_fixes",
    "decode_plans",
    "decode_view",
    "decode_viewed",
    "encode",
    "encode_fixes",
    "encode_plans",
    "encode_view",
    "encode_viewed",
]
