"""Results as JSON-able dictionaries and back, for crossing process borders.

`decode(encode(x)) == x`. Infinite bounds are written as Python's `json` writes them (`Infinity`), which only our own
processes read; the command line's documents for others have their own, strict form (`torchlean.report_json`).
"""

from __future__ import annotations

from typing import Any, TypeVar

import cattrs

from torchlean.analysis.result import Certificate, FileAnalysis, NotCheckable
from torchlean.diagnostics import Severity
from torchlean.source import Span

Form = TypeVar("Form")

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


def encode(value: object) -> Any:
    """A result, or several in a sequence, as nested dictionaries, lists, strings and numbers."""
    return _converter.unstructure(value)


def decode(data: object) -> FileAnalysis:
    """The result back from `encode`'s form, possibly after JSON.

    Raises:
        cattrs.BaseValidationError: the data has another form.
    """
    return decode_as(FileAnalysis, data)


def decode_as(form: type[Form], data: object) -> Form:
    """Something else back from `encode`'s form.

    Args:
        form: what it was, such as `View` or `tuple[Fix, ...]`.

    Raises:
        cattrs.BaseValidationError: the data has another form.
    """
    return _converter.structure(data, form)


__all__ = ["decode", "decode_as", "encode"]
