"""A property file as a whole: what it declares, what it asks, and what is wrong with it."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from torchlean.diagnostics import SEVERITIES, Diagnostic, Severity
from torchlean.source import Span
from torchlean.vnnlib.declarations import Declarations, Tensor
from torchlean.vnnlib.lexical import Source
from torchlean.vnnlib.normal import Normal
from torchlean.vnnlib.problems import SYNTAX, VACUOUS
from torchlean.vnnlib.properties import Property, Region
from torchlean.vnnlib.reader import Assertion, Reader

MAX_CHARACTERS = 50_000_000
"""Longer files are not read: a box of a million inputs takes that much, and reading it a minute."""

NAMED = 5
"""Variables that a message lists before it counts the others."""


class VnnlibError(ValueError):
    """A property file that cannot be used. `diagnostics` are its errors, at least one."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        first = diagnostics[0]
        more = f" (and {len(diagnostics) - 1} more)" if len(diagnostics) > 1 else ""
        super().__init__(f"{first.span}: {first.message}{more}")
        self.diagnostics = tuple(diagnostics)


@dataclass(frozen=True, slots=True)
class Document:
    """What a text says.

    Attributes:
        version: "1.0", or what the file names ("2.0"); files with `declare-network` and no version are "2.0".
        diagnostics: in order of the text.
        property: None when there are errors.
        tensors: the declared variables in order of the text.
        assertions: those that could be read, in order of the text.
        region_places: offsets of what makes each region of the property, in their order.
        source: turns offsets (of `assertions`, `tensors`, `region_places`) into spans.
        declarations: names variables (`declarations.name`).
    """

    path: str
    version: str
    diagnostics: tuple[Diagnostic, ...]
    property: Property | None
    source: Source
    tensors: tuple[Tensor, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    region_places: tuple[tuple[int, int], ...] = ()
    declarations: Declarations | None = field(default=None, repr=False)

    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.diagnostics if d.severity is Severity.ERROR)

    def required(self) -> Property:
        """The property.

        Raises:
            VnnlibError: the text has errors.
        """
        if self.property is None:
            raise VnnlibError(self.errors())
        return self.property


def parse(text: str, path: str = "") -> Document:
    """Read a property file's text. Never raises: what is wrong is in the diagnostics, with places in `path`."""
    source = Source(path, text)
    if len(text) > MAX_CHARACTERS:
        message = f"the file has {len(text) / 1e6:.0f} million characters; at most {MAX_CHARACTERS // 10**6} are read"
        return _unreadable(source, message)
    reader = Reader(source)
    reader.read()
    normal = Normal(reader.declarations, reader.problems)
    found = None if reader.problems.errors else _property(reader, normal)
    return Document(
        path,
        reader.version or ("1.0" if reader.declarations.network is None else "2.0"),
        tuple(sorted(reader.problems.found, key=lambda d: (d.span.line, d.span.column))),
        # Too many alternatives are found out while the property is made.
        None if reader.problems.errors else found,
        source,
        tuple(reader.declarations.tensors.values()),
        tuple(reader.assertions),
        tuple(normal.places),
        reader.declarations,
    )


def parse_file(path: str) -> Document:
    """Read a property file, or a gzipped one (`.gz`). A file that is not UTF-8 has a diagnostic at the first bad byte.

    Raises:
        OSError: the file cannot be read.
    """
    content = _content(path)
    try:
        return parse(content.decode("utf-8"), path)
    except UnicodeDecodeError as error:
        # Every byte before the bad one is good, so the place can be named in characters.
        before = content[: error.start].decode("utf-8")
        line = before.count("\n")
        column = len(before) - (before.rfind("\n") + 1)
        message = (
            f"the file is not UTF-8 text: the byte {content[error.start]:#04x} here is part of no character"
        )
        return _unreadable(Source(path, ""), message, Span(path, line, column, line, column + 1))


def _content(path: str) -> bytes:
    """At most what `parse` reads, and one byte more so that it notices.

    Raises:
        OSError: the file cannot be read; a damaged archive is such a file too.
    """
    limit = 4 * MAX_CHARACTERS + 1  # UTF-8 takes up to four bytes a character
    if not path.endswith(".gz"):
        with open(path, "rb") as file:
            return file.read(limit)
    try:
        with gzip.open(path, "rb") as file:
            return file.read(limit)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise OSError(f"{path}: damaged archive: {error}") from error


def _unreadable(source: Source, message: str, span: Span | None = None) -> Document:
    where = span or Span(source.path, 0, 0, 0, 0)
    return Document(
        source.path, "1.0", (Diagnostic(SYNTAX, SEVERITIES[SYNTAX], where, message),), None, source
    )


def _property(reader: Reader, normal: Normal) -> Property:
    declarations = reader.declarations
    regions = normal.regions(reader.assertions)
    _check_bounds(reader, regions)
    _check_outputs(reader, regions)
    inputs, outputs = declarations.of_kind(True), declarations.of_kind(False)
    if declarations.network is None:
        return Property(declarations.inputs, declarations.outputs, regions)
    return Property(
        declarations.inputs,
        declarations.outputs,
        regions,
        tuple(tensor.shape for tensor in inputs),
        tuple(tensor.shape for tensor in outputs),
        tuple(tensor.name for tensor in inputs),
        tuple(tensor.name for tensor in outputs),
    )


def _check_bounds(reader: Reader, regions: Sequence[Region]) -> None:
    """Warn of inputs that some region leaves unbounded, where they are declared."""
    for side, name in (("lower", "lower"), ("upper", "upper")):
        ends: list[tuple[object, ...]] = [getattr(region, side) for region in regions]
        missing = sorted({i for region in ends for i, end in enumerate(region) if end is None})
        if missing:
            names = [f"`{reader.declarations.name(i)}`" for i in missing[:NAMED]]
            more = len(missing) - len(names)
            listed = ", ".join(names) + (f" and {more:,} more" if more else "")
            verb = "has" if len(missing) == 1 else "have"
            message = (
                f"{listed} {verb} no {name} bound: about an unbounded region hardly anything can be proved"
            )
            reader.problems.add(VACUOUS, _declaration(reader.declarations, missing[0]), message)


def _check_outputs(reader: Reader, regions: Sequence[Region]) -> None:
    """Warn where every input is a counterexample, whatever the network does."""
    unconditional = any(
        not any(constraint.y for constraint in conjunction.constraints)
        for region in regions
        for conjunction in region.unsafe
    )
    if unconditional:
        message = "the outputs are not constrained: every input of the region is a counterexample"
        if any(len(region.unsafe) > 1 for region in regions) or len(regions) > 1:
            message = (
                "one alternative leaves the outputs free: every input that satisfies it is a counterexample"
            )
        reader.problems.add(VACUOUS, _declaration(reader.declarations, -1), message)


def _declaration(declarations: Declarations, key: int) -> tuple[int, int]:
    """Where a variable is declared."""
    number = key if key >= 0 else ~key
    tensors = [t for t in declarations.of_kind(key >= 0) if t.first <= number]
    return tensors[-1].place
