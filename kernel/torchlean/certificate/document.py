"""Certificates as JSON: what the Lean file says, for programs. The schema is documented in `docs/certificates.md`.

Integers that may be long are strings of hexadecimal digits (`"-0x1f"`), which every language reads exactly; sizes and
indices are JSON numbers. Reading is strict: whatever is not exactly of this form is refused with a reason, and a
document whose hashes do not fit its content is refused as well. Nothing read here is believed by the checker, which
computes everything anew; the hashes say what a certificate belongs to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from torchlean.certificate.convolution import MOST_CELLS, Axis, Convolution, Layout
from torchlean.certificate.lean_source import Title, main_theorem, source, theorem_name
from torchlean.certificate.lean_terms import DIGIT_BITS
from torchlean.certificate.network import (
    Add,
    Both,
    Bound,
    Concat,
    Done,
    Either,
    Formula,
    Hinge,
    Linear,
    Literal,
    Network,
    Node,
    Params,
    Plan,
    Proof,
    Role,
    Split,
    Statement,
)
from torchlean.certificate.reading import CertificateError, Reader

FORMAT = "torchlean-certificate"
VERSION = 3
READ = (2, VERSION)
"""Versions that are read. Those of version 2 are those of version 3 without convolutions."""

EXECUTIONS, NOISE, REALS = "executions", "runs within the noise", "real arithmetic"
"""What a certificate speaks of."""


@dataclass(frozen=True, slots=True)
class Document:
    """A certificate with what it belongs to.

    Attributes:
        file: SHA-256 of the text of the file that states the claim, in hexadecimal digits.
    """

    title: Title
    statement: Statement
    proof: Proof
    file: str

    @property
    def theorem(self) -> str:
        """The namespace of the Lean file: no two claims have the same."""
        return theorem_name(self.title.claim)

    @property
    def main(self) -> str:
        """The full name of the theorem that says most."""
        return f"{self.theorem}.{main_theorem(self.statement)}"

    @property
    def speaks_of(self) -> str:
        if self.statement.network.roles:
            return EXECUTIONS
        return NOISE if self.title.noisy else REALS

    @property
    def lean(self) -> str:
        """The Lean file."""
        return source(self.statement, self.proof, self.title)


def digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def write(document: Document) -> str:
    """The certificate as JSON text."""
    content = _content(document)
    return json.dumps({**content, "certificate": digest(_canonical(content))}, indent=1) + "\n"


def _content(document: Document) -> dict[str, Any]:
    title, statement, proof = document.title, document.statement, document.proof
    network = statement.network
    return {
        "format": FORMAT,
        "version": VERSION,
        "claim": title.claim,
        "speaks_of": document.speaks_of,
        "hashes": {
            "file": document.file,
            "weights": title.weights,
            "graph": title.graph,
            "lean": digest(document.lean),
        },
        "precision": {"grid": network.grid, "slopes": proof.params.slopes, "places": proof.params.places},
        "inputs": network.sizes[0],
        "nodes": [_node(node) for node in network.nodes],
        "noise": [list(map(_hex, noise)) for noise in network.noise],
        "roles": [role.value for role in network.roles],
        "box": [[_hex(low), _hex(high)] for low, high in statement.box],
        "goal": _formula(statement.goal),
        "bits": list(proof.bits),
        "widths": list(proof.widths),
        "plan": _plan(proof.plan),
    }


def _canonical(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"))


def _hex(number: int) -> str:
    return f"{number:#x}"


def _node(node: Node) -> dict[str, Any]:
    if isinstance(node, Linear):
        affine = {"operand": node.operand, "scale": node.scale, "bias": list(map(_hex, node.bias))}
        if node.convolution is not None:
            return {"op": "convolution", **affine, **_convolution(node.convolution)}
        return {"op": "linear", **affine, "weight": [list(map(_hex, row)) for row in node.weight]}
    if isinstance(node, Hinge):
        numbers = {"kink": node.kink, "value": node.value, "below": node.below, "above": node.above}
        found = {name: _hex(number) for name, number in numbers.items()}
        return {"op": "hinge", "operand": node.operand, "scale": node.scale, **found}
    return {"op": "add" if isinstance(node, Add) else "concat", "left": node.left, "right": node.right}


def _convolution(found: Convolution) -> dict[str, Any]:
    kernels = [{"first": k.first, "weights": list(map(_hex, k.weights))} for k in found.kernels]
    return {"axes": [asdict(axis) for axis in found.layout.axes], "kernels": kernels}


def _formula(goal: Formula) -> dict[str, Any]:
    if isinstance(goal, Literal):
        return {"positive" if goal.strict else "nonnegative": goal.element}
    name = "and" if isinstance(goal, Both) else "or"
    return {name: [_formula(goal.left), _formula(goal.right)]}


def _plan(plan: Plan) -> Any:
    if isinstance(plan, Done):
        return "done"
    if isinstance(plan, Bound):
        return {"bound": [int(b) for b in plan.backward], "next": _plan(plan.next)}
    parts = {"low": _plan(plan.low), "high": _plan(plan.high)}
    return {"split": plan.value, "element": plan.element, "at": _hex(plan.at), **parts}


def read(text: str) -> Document:
    """A certificate from JSON text.

    Raises:
        CertificateError: it is no certificate, or its hashes do not fit. The message says why.
    """
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise CertificateError(f"no JSON: {error}") from error
    top = Reader(content, "certificate")
    stated = top.text("certificate")
    rest = {key: value for key, value in top.content.items() if key != "certificate"}
    if top.text("format") != FORMAT:
        raise CertificateError(f"the format is {top.text('format')!r}, expected {FORMAT!r}")
    if top.size("version") not in READ:
        raise CertificateError(
            f"version {top.size('version')} is not known, only {' and '.join(map(str, READ))}"
        )
    if digest(_canonical(rest)) != stated:
        raise CertificateError("the content was changed: it does not have the hash that it states")
    document = _document(top)
    if digest(document.lean) != top.part("hashes").text("lean"):
        raise CertificateError("the Lean file that it states is not the one of this content")
    return document


def _document(top: Reader) -> Document:
    hashes, precision = top.part("hashes"), top.part("precision")
    speaks = top.text("speaks_of")
    if speaks not in (EXECUTIONS, NOISE, REALS):
        raise CertificateError(f"`speaks_of` is {speaks!r}")
    title = Title(top.text("claim"), hashes.digest("weights"), hashes.digits("graph"), speaks != REALS)
    network = _read_network(top, precision.size("grid"))
    if bool(network.roles) != (speaks == EXECUTIONS):
        raise CertificateError(f"`speaks_of` is {speaks!r}, with {len(network.roles)} roles of nodes")
    box = tuple((low, high) for low, high in (pair.integers(2) for pair in top.parts("box")))
    if len(box) != network.sizes[0]:
        raise CertificateError(f"the box has {len(box)} intervals for {network.sizes[0]} inputs")
    if any(low > high for low, high in box):
        # Anything is true of no input at all.
        raise CertificateError("the box is empty: a lower end is above its upper end")
    statement = Statement(network, box, _read_formula(top.part("goal")))
    params = Params(precision.size("slopes"), precision.size("places"))
    count = len(network.nodes)
    proof = Proof(
        params, top.sizes("bits", count), top.sizes("widths", count), _read_plan(top.part("plan"), network)
    )
    _check_fields(network, proof.widths)
    return Document(title, statement, proof, hashes.digest("file"))


def _check_fields(network: Network, widths: Sequence[int]) -> None:
    """That the numbers of each matrix are packed into fields of their own. Otherwise the Lean file would speak of other
    numbers than the JSON."""
    for index, (node, width) in enumerate(zip(network.nodes, widths, strict=True)):
        if not isinstance(node, Linear):
            continue
        if width % DIGIT_BITS:
            raise CertificateError(f"node {index}: fields of {width} bits are no whole hexadecimal digits")
        kernels = () if node.convolution is None else node.convolution.weights
        if max(node.largest, *(abs(w) for kernel in kernels for w in kernel), 0) >> width:
            raise CertificateError(f"node {index}: its numbers do not fit in fields of {width} bits")


def _read_network(top: Reader, grid: int) -> Network:
    sizes, nodes = [top.size("inputs")], []
    for number, part in enumerate(top.parts("nodes")):
        node = _read_node(part, sizes)
        nodes.append(node)
        sizes.append(_size(node, sizes, number))
    if not nodes:
        raise CertificateError("there are no nodes")
    noise = tuple(
        part.naturals(size) for part, size in zip(top.parts("noise", len(nodes)), sizes[1:], strict=True)
    )
    return Network(grid, tuple(nodes), noise, tuple(sizes), _read_roles(top, len(nodes)))


def _read_roles(top: Reader, count: int) -> tuple[Role, ...]:
    found, known = top.part("roles").items(), [role.value for role in Role]
    if len(found) not in (0, count) or any(role not in known for role in found):
        raise CertificateError(f"`roles` are neither those of {count} nodes nor none")
    return tuple(map(Role, found))


def _read_node(part: Reader, sizes: Sequence[int]) -> Node:
    op = part.text("op")
    if op == "linear":
        operand = part.below("operand", len(sizes))
        weight = tuple(row.integers(sizes[operand]) for row in part.parts("weight"))
        return Linear(operand, part.size("scale"), weight, part.part("bias").integers(len(weight)))
    if op == "convolution":
        operand = part.below("operand", len(sizes))
        convolution = _read_convolution(part, sizes[operand])
        bias = part.part("bias").integers(convolution.layout.results)
        return Linear(operand, part.size("scale"), convolution.rows(), bias, convolution)
    if op == "hinge":
        kink, value, below, above = (part.integer(name) for name in ("kink", "value", "below", "above"))
        return Hinge(part.below("operand", len(sizes)), part.size("scale"), kink, value, below, above)
    if op in ("add", "concat"):
        kind = Add if op == "add" else Concat
        return kind(part.below("left", len(sizes)), part.below("right", len(sizes)))
    raise CertificateError(f"{part.name}: there is no op {op!r}")


def _read_convolution(part: Reader, columns: int) -> Convolution:
    axes = [Axis(*(axis.size(field.name) for field in fields(Axis))) for axis in part.parts("axes")]
    firsts = tuple(kernel.below("first", columns) for kernel in part.parts("kernels"))
    layout = Layout(columns, tuple(axes), firsts)
    if max(layout.results, layout.taps) * max(columns, layout.taps) > MOST_CELLS:
        raise CertificateError(f"{part.name}: the matrix has over {MOST_CELLS:,} numbers")
    weights = (kernel.part("weights").integers(layout.taps) for kernel in part.parts("kernels"))
    return Convolution(layout, tuple(weights))


def _size(node: Node, sizes: Sequence[int], number: int) -> int:
    if isinstance(node, Linear):
        return len(node.weight)
    if isinstance(node, Hinge):
        return sizes[node.operand]
    left, right = sizes[node.left], sizes[node.right]
    if isinstance(node, Add) and left != right:
        raise CertificateError(f"node {number}: a sum of {left} and {right} elements")
    return left if isinstance(node, Add) else left + right


def _read_formula(part: Reader) -> Formula:
    for name, strict in (("positive", True), ("nonnegative", False)):
        if part.has(name):
            return Literal(part.size(name), strict)
    name, kind = ("and", Both) if part.has("and") else ("or", Either)
    left, right = part.parts(name, 2)
    return kind(_read_formula(left), _read_formula(right))


def _read_plan(part: Reader, network: Network) -> Plan:
    if part.content == "done":
        return Done()
    if part.has("bound"):
        methods = part.sizes("bound", len(network.nodes))
        if not set(methods) <= {0, 1}:
            raise CertificateError(f"{part.name}: a method is neither 0 nor 1")
        return Bound(tuple(map(bool, methods)), _read_plan(part.part("next"), network))
    value = part.below("split", len(network.sizes))
    element = part.below("element", network.sizes[value])
    low, high = _read_plan(part.part("low"), network), _read_plan(part.part("high"), network)
    return Split(value, element, part.integer("at"), low, high)


__all__ = ["FORMAT", "VERSION", "CertificateError", "Document", "digest", "read", "write"]
