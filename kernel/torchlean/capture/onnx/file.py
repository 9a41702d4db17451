"""Reading an ONNX file into its protobuf message, and checking what needs no knowledge of operators.

Nothing here trusts the file: it may be any bytes at all.
"""

from __future__ import annotations

import gzip
import heapq
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from torchlean.capture.onnx.messages import FileFault

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

LARGEST_FILE = 2**31 - 1
"""Bytes; protobuf itself cannot hold more."""

OPSETS = range(7, 24)
"""Versions of ONNX's operator set that the handlers were written for. 7 is the oldest in which arithmetic broadcasts
as it does today; 24 adds a mode of rounding to conversions."""

OWN_DOMAINS = ("", "ai.onnx")
"""Two names of ONNX's own operator set."""


def read(path: Path) -> ModelProto:
    """Parse the file, or a gzipped one (`.gz`).

    Raises:
        FileFault: it cannot be read, is too large, or is no ONNX model.
    """
    packed = path.suffix == ".gz"
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise FileFault(f"cannot be read: {reason or error}") from error
    if len(content) > LARGEST_FILE:
        raise FileFault(f"the file is too large: at most {LARGEST_FILE:,} bytes are read")
    if not content:
        raise FileFault("the file is empty")
    return parse(content)


def parse(content: bytes) -> ModelProto:
    """Bytes as a message.

    Raises:
        FileFault: they are no ONNX model.
    """
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    model = ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise FileFault("not an ONNX model, or cut off: protobuf cannot decode it") from error
    if not model.HasField("graph"):
        raise FileFault("not an ONNX model: there is no graph in it")
    return model


def opset(model: ModelProto) -> int:
    """The version of ONNX's own operator set.

    Raises:
        FileFault: none or several are stated, or one that is not known.
    """
    versions = {entry.version for entry in model.opset_import if entry.domain in OWN_DOMAINS}
    if len(versions) != 1:
        stated = ", ".join(map(str, sorted(versions))) or "none"
        raise FileFault(f"the file must ask for one version of the ONNX operator set, it states {stated}")
    (version,) = versions
    if version not in OPSETS:
        raise FileFault(f"opset {version} is not supported: {OPSETS.start} to {OPSETS.stop - 1} are")
    return int(version)


def operator(node: NodeProto) -> str:
    """The operator's name, with its domain where that is not ONNX's own."""
    return node.op_type if node.domain in OWN_DOMAINS else f"{node.domain}.{node.op_type}"


def check_text(graph: GraphProto) -> None:
    """Every name is text. Where it is not, protobuf gives bytes instead, or raises when it is asked.

    Raises:
        FileFault: one is not.
    """
    if not all(isinstance(name, str) for name in _texts(graph)):
        raise FileFault("a name in the file is not text (UTF-8)")


def _texts(graph: GraphProto) -> Iterator[object]:
    for node in graph.node:
        yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    yield from (value.name for values in (graph.input, graph.output) for value in values)
    for value in graph.input:
        yield from (d.dim_param for d in value.type.tensor_type.shape.dim)
    for tensor in graph.initializer:
        yield tensor.name
        yield from (text for entry in tensor.external_data for text in (entry.key, entry.value))


def check_names(graph: GraphProto) -> None:
    """Every value is made once, and every name that is read is made somewhere.

    Raises:
        FileFault: names what breaks this.
    """
    made = Counter(_made(graph))
    twice = sorted(name for name, count in made.items() if count > 1)
    if twice:
        raise FileFault(f"{_quoted(twice)} made more than once: every value must have a name of its own")
    for node in graph.node:
        if not any(node.output):
            raise FileFault(f"a node of operator {operator(node)!r} has no output")
        for name in node.input:
            if name and name not in made:
                place = f"{operator(node)} (output `{next(filter(None, node.output))}`)"
                raise FileFault(f"{place} reads `{name}`, which nothing in the file makes")
    nodes = Counter(node.name for node in graph.node if node.name)
    twice = sorted(name for name, count in nodes.items() if count > 1)
    if twice:
        raise FileFault(
            f"{_quoted(twice)} the name of more than one node: every node must have a name of its own"
        )
    if not graph.output:
        raise FileFault("the model has no outputs")
    missing = sorted(value.name for value in graph.output if value.name not in made)
    if missing:
        raise FileFault(f"{_quoted(missing)} declared as output, but nothing in the file makes it")


def _made(graph: GraphProto) -> Iterator[str]:
    initialisers = [tensor.name for tensor in graph.initializer]
    known = set(initialisers)
    yield from initialisers
    # Files of the first three versions of the format list initialisers among the inputs, too.
    yield from (value.name for value in graph.input if value.name not in known)
    for node in graph.node:
        yield from filter(None, node.output)


def in_order(graph: GraphProto) -> list[NodeProto]:
    """The nodes such that each comes after those that make its operands. The format asks for that; not all files do.

    Args:
        graph: names checked by `check_names`.

    Raises:
        FileFault: nodes depend on each other in a circle.
    """
    makers = {name: index for index, node in enumerate(graph.node) for name in node.output if name}
    waiting = [len({makers[name] for name in node.input if name in makers}) for node in graph.node]
    readers: dict[int, list[int]] = {}
    for index, node in enumerate(graph.node):
        for maker in {makers[name] for name in node.input if name in makers}:
            readers.setdefault(maker, []).append(index)
    ready = [index for index, count in enumerate(waiting) if not count]
    order: list[int] = []
    while ready:
        # The smallest index first: nodes that are in order already stay as they are.
        order.append(index := heapq.heappop(ready))
        for reader in readers.get(index, ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, reader)
    if len(order) < len(graph.node):
        circle = [graph.node[index] for index, count in enumerate(waiting) if count]
        names = sorted(name for node in circle for name in node.output if name)
        raise FileFault(f"the nodes that make {_quoted(names, '')} depend on each other in a circle")
    return [graph.node[index] for index in order]


def needed(nodes: list[NodeProto], outputs: list[str]) -> list[NodeProto]:
    """Those of the nodes (in order) that the outputs depend on. The others change nothing, whatever they are."""
    wanted = set(outputs)
    kept = []
    for node in reversed(nodes):
        if not wanted.isdisjoint(filter(None, node.output)):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]


def folder(path: str | os.PathLike[str]) -> Path:
    """Where data outside the file may lie."""
    return Path(path).resolve().parent


NAMED = 5
"""Names that a message lists before it says how many more there are."""


def _quoted(names: list[str], verb: str = "is") -> str:
    text = ", ".join(f"`{name}`" for name in names[:NAMED])
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    plural = {"is": "are"}.get(verb, verb) if len(names) > 1 else verb
    return f"{text}{more} {plural}".rstrip()
