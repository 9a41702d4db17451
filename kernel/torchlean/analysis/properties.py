"""Property files (VNN-LIB) as file analyses: what can be said of the text alone.

Light: the language server calls `read` in its own process for files of a usual size, so that mistakes show at once.
The verdict comes from `torchlean.analysis.verification`, in a worker. The property is one unit of kind `property`,
placed where its network is named, or on the first line.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from torchlean.analysis.result import FileAnalysis, Note, SymbolResult, UnitResult
from torchlean.diagnostics import Diagnostic, Related, diagnostic
from torchlean.source import Span
from torchlean.vnnlib import Document, Property, parse
from torchlean.vnnlib.declarations import Declarations, Tensor
from torchlean.vnnlib.describe import comparison_text, formula_text, interval_text
from torchlean.vnnlib.formula import Comparison, Formula
from torchlean.vnnlib.naming import NamedNetwork, find_network

SUFFIX = ".vnnlib"

KIND = "property"
"""The kind of the unit that a property is."""

MOST_WORDS = 20_000
"""Elements that hovers know, and conditions. Images of usual size stay below; the answer must stay a few megabytes."""

MOST_SYMBOLS = 1_000
"""Entries of one group in the outline: nobody scrolls further."""

MOST_REGIONS = 5
"""Regions whose range of an input a hover spells out."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says, for showing (`analysis`) and for deciding (the rest).

    `analysis` is complete when there is nothing to decide: no network, no property, or nothing left of it.
    """

    analysis: FileAnalysis
    document: Document
    network: NamedNetwork | None


def is_property(path: str) -> bool:
    return path.endswith(SUFFIX)


def read(path: str, text: str) -> FileAnalysis:
    """What can be said of a property file without its network."""
    return reading(path, text).analysis


def reading(path: str, text: str) -> Reading:
    """As `read`, with what a verdict needs."""
    path = os.path.abspath(path)
    document = parse(text, path)
    naming = find_network(path, text)
    network = naming.network
    diagnostics = [*document.diagnostics, *naming.diagnostics]
    dependencies = list(naming.files)
    if network is not None:
        dependencies.append(network.path)
        if not os.path.isfile(network.path):
            diagnostics.append(misfit(path, network, f"there is no network {network.path}"))
            network = None
    question = document.property if network is not None else None
    decidable = question is not None and bool(question.regions)
    analysis = FileAnalysis(
        path,
        units=(_unit(path, network, document.property),) if network and decidable else (),
        symbols=tuple(_symbols(document)),
        diagnostics=tuple(diagnostics),
        dependencies=tuple(dependencies),
        notes=tuple(_notes(document)),
        words=dict(_words(document)),
        complete=not decidable,
    )
    return Reading(analysis, document, network)


def place(path: str, network: NamedNetwork) -> Span:
    """Where the verdict stands: at the comment that names the network, or on the first line."""
    return network.span if network.span.path == path else Span(path, 0, 0, 0, 0)


def misfit(path: str, network: NamedNetwork, message: str) -> Diagnostic:
    """Something is wrong with the network; where another file names it, that place is related."""
    elsewhere = [Related(network.span, "named here")] if network.span.path != path else []
    return diagnostic("TL123", place(path, network), message, *elsewhere)


def _unit(path: str, network: NamedNetwork, question: Property | None) -> UnitResult:
    name = os.path.splitext(os.path.basename(path))[0]
    regions = len(question.regions) if question else 0
    about = f"{os.path.basename(network.path)}, {regions} region{'' if regions == 1 else 's'}"
    return UnitResult(KIND, name, place(path, network), about, 0, (), (), ())


# The outline


def _symbols(document: Document) -> Iterator[SymbolResult]:
    for is_input, title in ((True, "inputs"), (False, "outputs")):
        tensors = [tensor for tensor in document.tensors if tensor.is_input is is_input]
        if tensors:
            yield _group(document, f"{title} ({_count(tensors)})", tensors)
    for number, where in enumerate(document.region_places[:MOST_SYMBOLS], 1):
        span = document.source.span(*where)
        yield SymbolResult(f"region {number}", "region", span, _head(span))


def _count(tensors: list[Tensor]) -> int:
    total = 0
    for tensor in tensors:
        size = 1
        for length in tensor.shape:
            size *= length
        total += size
    return total


def _group(document: Document, title: str, tensors: list[Tensor]) -> SymbolResult:
    kind = "input" if tensors[0].is_input else "output"
    spans = [document.source.span(*tensor.place) for tensor in tensors]
    first, last = min(spans), max(spans)
    whole = Span(document.path, first.line, first.column, last.end_line, last.end_column)
    children = tuple(
        SymbolResult(tensor.name, kind, span, span)
        for tensor, span in zip(tensors[:MOST_SYMBOLS], spans, strict=False)
    )
    return SymbolResult(title, kind, whole, first, children)


def _head(span: Span) -> Span:
    """The first line of a span: editors mark it when an entry is chosen."""
    if span.line == span.end_line:
        return span
    return replace(span, end_line=span.line, end_column=span.column + 1)


# Hovers


def _words(document: Document) -> Iterator[tuple[str, str]]:
    """What to say of each variable, by its name as it is written (`X_0`, `X[0,1]`)."""
    declarations = document.declarations
    if declarations is None:
        return
    for is_input in (True, False):
        tensors = declarations.of_kind(is_input)
        for tensor in tensors:
            if tensor.shape:
                yield tensor.name, _tensor_text(tensor)
        count = declarations.inputs if is_input else declarations.outputs
        if count > MOST_WORDS or not _numbered(tensors, count):
            continue
        for index in range(count):
            key = index if is_input else ~index
            name = declarations.name(key)
            yield name, _variable_text(document.property, name, index, is_input)


def _numbered(tensors: list[Tensor], count: int) -> bool:
    """Whether every number up to the count is declared: names with gaps were reported."""
    return bool(tensors) and tensors[-1].first + _count(tensors[-1:]) == count


def _tensor_text(tensor: Tensor) -> str:
    kind = "input" if tensor.is_input else "output"
    last = tensor.first + _count([tensor]) - 1
    shape = ",".join(map(str, tensor.shape))
    return f"**{kind} `{tensor.name}`**, shape `[{shape}]`: elements {tensor.first} to {last} of the {kind}s"


def _variable_text(question: Property | None, name: str, index: int, is_input: bool) -> str:
    kind = "input" if is_input else "output"
    text = f"**{kind} `{name}`**: element {index} of the network's {kind} (counted row by row, from 0)"
    if not is_input or question is None or not question.regions:
        return text
    ranges = list(
        dict.fromkeys(interval_text(region.lower[index], region.upper[index]) for region in question.regions)
    )
    shown = "  \n".join(f"`{name} ∈ {found}`" for found in ranges[:MOST_REGIONS])
    more = len(ranges) - MOST_REGIONS
    return f"{text}\n\n{shown}" + (f"  \nand {more} more ranges" if more > 0 else "")


def _notes(document: Document) -> Iterator[Note]:
    """What assertions and the conditions inside them say, in words."""
    declarations = document.declarations
    if declarations is None:
        return
    left = MOST_WORDS
    for assertion in document.assertions:
        for note in _assertion_notes(
            document, declarations, assertion.formula, (assertion.start, assertion.end)
        ):
            yield note
            left -= 1
            if left <= 0:
                return


def _assertion_notes(
    document: Document, declarations: Declarations, formula: Formula, where: tuple[int, int]
) -> Iterator[Note]:
    text = formula_text(formula, declarations.name)
    parts = len(formula.parts)
    what = f"one of {parts} alternatives must hold" if formula.op == "or" and parts > 1 else "must hold"
    yield Note(document.source.span(*where), f"**assertion**: {what}\n\n`{text}`")
    if parts > 1:
        seen = set()
        for comparison in _comparisons(formula):
            if (comparison.start, comparison.end) not in seen:
                seen.add((comparison.start, comparison.end))
                span = document.source.span(comparison.start, comparison.end)
                yield Note(span, f"`{comparison_text(comparison, declarations.name)}`")


def _comparisons(formula: Formula) -> Iterator[Comparison]:
    """All of a formula, in order of the text.

    Parts that it shares are visited once: under `xor` and `ite` each level has twice as many paths.
    """
    stack, visited = [formula], set[int]()
    while stack:
        node = stack.pop()
        # A negated part is another formula with the same parts.
        shared = id(node.comparison or node.parts)
        if shared in visited:
            continue
        visited.add(shared)
        if node.comparison is not None:
            yield node.comparison
        stack.extend(reversed(node.parts))
