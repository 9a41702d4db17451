"""Convolutions in certificates: stated by their kernels, the same matrix as the op's, and refused when damaged."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.certificate.models import asked
from tests.certificate.test_document import forged
from tests.certificate.test_kernel import NAMESPACE, errors_in, named, together

from torchlean.certificate import CertificateError, Refusal, certify, digest, lean_terms, read, replay, write
from torchlean.certificate.convolution import Axis, Convolution, Kernel, laid_out
from torchlean.certificate.document import Document, _canonical
from torchlean.certificate.lean_source import Title
from torchlean.certificate.network import Bound, Done, Linear, Literal, Network, Proof, Statement, conjunction
from torchlean.certificate.planning import PARAMS
from torchlean.lean import Accepted, certificate_faults

SHAPES = {
    "padded": ("nn.Conv2d(1, 2, 3, padding=1)", "1, 1, 4, 4", 1),
    "strided over channels": ("nn.Conv2d(2, 3, 3, stride=2, padding=1)", "1, 2, 4, 4", 1),
    "groups, dilation, unequal sizes": (
        "nn.Conv2d(4, 6, (2, 3), stride=(2, 1), padding=(0, 2), dilation=(1, 2), groups=2)",
        "1, 4, 4, 3",
        1,
    ),
    "depthwise": ("nn.Conv2d(3, 3, 2, groups=3)", "1, 3, 3, 3", 1),
    "one axis, the same size": ("nn.Conv1d(2, 2, 4, padding='same')", "1, 2, 6", 1),
    "three axes": ("nn.Conv3d(1, 2, 2, padding=(1, 0, 1))", "1, 1, 2, 3, 2", 1),
    "two pictures": ("nn.Conv2d(1, 2, 2)", "2, 1, 3, 3", 1),
    "without a batch": ("nn.Conv2d(2, 2, 2)", "2, 3, 3", 1),
    "average pooling": ("nn.AvgPool2d(2, padding=1)", "1, 2, 4, 4", 1),
    "a mean of each channel": ("nn.AdaptiveAvgPool2d(1)", "1, 2, 3, 3", 1),
    "unequal divisors": ("nn.AvgPool2d(2, 1, padding=1, count_include_pad=False)", "1, 1, 3, 3", 1),
    "windows of unequal size": ("nn.AdaptiveAvgPool1d(2)", "1, 1, 5", 0),
    "one linear map": ("nn.Conv2d(2, 3, 2)", "1, 2, 2, 2", 0),
    "elements in another order": (
        "nn.Sequential(nn.Flatten(), nn.Unflatten(1, (3, 3)), nn.Conv1d(3, 2, 2))",
        "1, 3, 3).mT.reshape(1, 9",
        0,
    ),
}
"""Layers, the shape of their input, and how many convolutions stand in the certificate."""


def certificate(folder: Path, layers: str, shape: str) -> Document:
    count = 1
    for size in re.findall(r"\d+", shape.partition(")")[0]):
        count *= int(size)
    found = asked(
        folder,
        f"self.a = {layers}",
        f"return self.a(x.reshape({shape})).flatten()",
        "net(x) < 30.0",
        f"[-1.0] * {count}, 1.0",
    )
    return certify("holds", found.question, found.own, found.text).document


def convolutions(document: Document) -> list[Convolution]:
    linear = [node for node in document.statement.network.nodes if isinstance(node, Linear)]
    return [node.convolution for node in linear if node.convolution is not None]


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_convolution_is_stated_by_its_kernels_wherever_its_matrix_is_one(name, tmp_path) -> None:
    layers, shape, count = SHAPES[name]
    document = certificate(tmp_path, layers, shape)

    assert len(convolutions(document)) == count
    assert read(write(document)) == document
    assert certificate_faults(document.lean) == ()


def test_pooling_to_nothing_is_certified_as_nothing(tmp_path) -> None:
    forward = "return self.a(x.reshape(1, 2, 4)).sum() + x.sum()"
    found = asked(tmp_path, "self.a = nn.AdaptiveAvgPool1d(0)", forward, "net(x) < 30.0", "[-1.0] * 8, 1.0")
    document = certify("holds", found.question, found.own, found.text).document

    assert convolutions(document) == []


def test_each_weight_stands_once(tmp_path) -> None:
    document = certificate(tmp_path, "nn.Conv2d(2, 3, 3, padding=1)", "1, 2, 4, 4")
    ((first, last),) = [document.statement.network.nodes]

    (found,) = convolutions(document)
    assert [len(kernel.weights) for kernel in found.kernels] == [2 * 3 * 3] * 3
    assert isinstance(first, Linear) and isinstance(last, Linear)
    assert first.stated == 3 * 18 + 48
    assert document.lean.count("taps := ") == 3


def test_a_network_never_states_other_kernels_than_its_matrix_has(tmp_path) -> None:
    document = certificate(tmp_path, "nn.Conv2d(1, 2, 3, padding=1)", "1, 1, 4, 4")
    node = document.statement.network.nodes[0]
    assert isinstance(node, Linear)

    with pytest.raises(ValueError, match="not those of the convolution"):
        replace(node, weight=((1, *node.weight[0][1:]), *node.weight[1:]))


@pytest.fixture(scope="module")
def stated(tmp_path_factory) -> str:
    return write(certificate(tmp_path_factory.mktemp("model"), "nn.Conv2d(2, 3, 3, padding=1)", "1, 2, 4, 4"))


def change_of(key: str, change: Callable[[dict], None]) -> Callable[[dict], None]:
    return lambda content: change(content["nodes"][0][key][0])


def flipped(kernel: dict) -> None:
    kernel["weights"][4] = f"{int(kernel['weights'][4], 16) ^ 1:#x}"


HIDDEN = {
    "one bit of a kernel": change_of("kernels", flipped),
    "another stride": change_of("axes", lambda axis: axis.__setitem__("stride", 2)),
    "another padding": change_of("axes", lambda axis: axis.__setitem__("padding", 0)),
    "another dilation": change_of("axes", lambda axis: axis.__setitem__("dilation", 2)),
    "a kernel that begins elsewhere": change_of("kernels", lambda kernel: kernel.__setitem__("first", 1)),
    "a smaller picture": change_of("axes", lambda axis: axis.__setitem__("size", 3)),
}
REFUSED = {
    "one position more": (change_of("axes", lambda axis: axis.__setitem__("count", 5)), "expected 60"),
    "a channel more": (
        lambda c: c["nodes"][0]["axes"][2].__setitem__("taps", 3),
        "18 elements, expected 27",
    ),
    "a kernel less": (lambda c: c["nodes"][0]["kernels"].pop(), "48 elements, expected 32"),
    "a weight less": (
        change_of("kernels", lambda kernel: kernel["weights"].pop()),
        "17 elements, expected 18",
    ),
    "no stride": (change_of("axes", lambda axis: axis.pop("stride")), "has no `stride`"),
    "a negative padding": (
        change_of("axes", lambda axis: axis.__setitem__("padding", -1)),
        "no number between",
    ),
    "a kernel behind the picture": (
        change_of("kernels", lambda kernel: kernel.__setitem__("first", 32)),
        "expected below 32",
    ),
    "a matrix without end": (
        change_of("axes", lambda axis: axis.__setitem__("count", 2**20)),
        "the matrix has over 524,288 numbers",
    ),
    "an axis that reads everything": (
        change_of("axes", lambda axis: axis.__setitem__("taps", 2**20)),
        "the matrix has over 524,288 numbers",
    ),
}


@pytest.mark.parametrize("damage", sorted(HIDDEN))
def test_a_changed_convolution_does_not_have_its_lean_file(damage, stated) -> None:
    with pytest.raises(CertificateError, match="is not the one of this content"):
        read(forged(stated, HIDDEN[damage]))


@pytest.mark.parametrize("damage", sorted(REFUSED))
def test_a_malformed_convolution_is_refused_with_the_place(damage, stated) -> None:
    change, words = REFUSED[damage]
    with pytest.raises(CertificateError, match=words):
        read(forged(stated, change))


def test_certificates_of_the_version_before_are_read(tmp_path) -> None:
    document = certificate(tmp_path, "nn.Linear(3, 2)", "3")
    content = json.loads(write(document))
    content.pop("certificate")
    content["version"] = 2

    assert read(json.dumps({**content, "certificate": digest(_canonical(content))})) == document


def tight(convolution: Convolution, damaged: Convolution | None = None) -> Document:
    """That all results of a convolution are positive, which they are by one unit; `damaged` stands there in its stead.
    Each element of the operand has bounds of its own."""
    rows, grid = convolution.rows(), 0
    ends = [(number + 1) ** 2 for number in range(len(rows[0]))]
    bias = tuple(sum(abs(w) * end for w, end in zip(row, ends, strict=True)) + 1 for row in rows)
    shown = damaged or convolution
    node = Linear(0, 0, shown.rows(), bias, shown)
    network = Network(grid, (node,), ((0,) * len(bias),), (len(rows[0]), len(bias)))
    goal = conjunction([Literal(number, True) for number in range(len(bias))])
    statement = Statement(network, tuple((-end, end) for end in ends), goal)
    width = lean_terms.field_width(64)
    proof = Proof(PARAMS, (node.bits,), (width,), Bound((False,), Done()))
    return Document(Title("tight", "0" * 64, "0" * 64, noisy=False), statement, proof, "0" * 64)


def drawn(seed: int) -> Convolution:
    """Any layout of small size, whatever torch could make of it: with steps that overlap, positions that read nothing,
    and reads behind the operand."""
    draw = random.Random(seed)
    axes = [
        Axis(
            *(
                draw.randrange(low, high)
                for low, high in ((1, 4), (1, 4), (0, 4), (0, 3), (0, 3), (1, 6), (1, 7))
            )
        )
        for _ in range(draw.randrange(4))
    ]
    columns = draw.randrange(1, 30)
    found = Convolution.of(columns, axes, [])
    kernels = [
        Kernel(draw.randrange(columns), tuple(draw.randrange(-99, 100) for _ in range(found.layout.taps)))
        for _ in range(draw.randrange(1, 3))
    ]
    return Convolution.of(columns, axes, kernels)


@pytest.fixture(scope="module")
def padded() -> Convolution:
    layout = laid_out((2, 5, 5), (2, 3, 3), (3, 3), (2, 2), (1, 1), (1, 1), kernels=2, groups=1)
    draw = random.Random(1)
    weights = [tuple(draw.choice((-7, -2, 3, 5)) for _ in range(layout.taps)) for _ in layout.firsts]
    return Convolution(layout, tuple(weights))


def with_axis(number: int, **changes: int) -> Callable[[Convolution], Convolution]:
    def changed(found: Convolution) -> Convolution:
        axes = list(found.layout.axes)
        axes[number] = replace(axes[number], **changes)
        return Convolution.of(found.layout.columns, axes, found.kernels)

    return changed


def larger_weight(found: Convolution) -> Convolution:
    first, *rest = found.kernels
    changed = replace(first, weights=(first.weights[0] * 4, *first.weights[1:]))
    return Convolution.of(found.layout.columns, found.layout.axes, [changed, *rest])


DAMAGES: dict[str, Callable[[Convolution], Convolution]] = {
    "larger_weight": larger_weight,
    "another_stride": with_axis(0, stride=3),
    "another_padding": with_axis(1, padding=0),
    "another_dilation": with_axis(0, dilation=2, padding=2),
    "channels_apart": with_axis(2, step=26),
    "another_step": with_axis(1, step=2),
}
"""Each moves or enlarges a weight, so that some result may fall below its bound."""


@pytest.mark.parametrize("name", sorted(DAMAGES))
def test_the_replay_refuses_a_damaged_convolution(name, padded) -> None:
    good, damaged = tight(padded), tight(padded, DAMAGES[name](padded))
    replay(good.statement, good.proof)
    with pytest.raises(Refusal, match="the formula is not shown"):
        replay(damaged.statement, damaged.proof)


def test_kernels_whose_sums_do_not_fit_in_a_field_are_refused(padded) -> None:
    document = tight(padded)
    width = padded.largest_sum.bit_length() - 1
    with pytest.raises(Refusal, match="add up to more than a field holds"):
        replay(document.statement, replace(document.proof, bits=(3,), widths=(width,)))


def extra(document: Document, change: Callable[[Convolution], Convolution]) -> str:
    """The file of a certificate whose convolution has other sizes than its bias, which no document can state."""
    (node,) = document.statement.network.nodes
    assert isinstance(node, Linear) and node.convolution is not None
    (width,) = document.proof.widths
    stated, other = (lean_terms.convolution(c, width) for c in (node.convolution, change(node.convolution)))
    assert document.lean.count(stated) == 1
    return document.lean.replace(stated, other)


MISFITS: dict[str, Callable[[Convolution], Convolution]] = {
    "one_position_more": with_axis(0, count=4),
    "one_kernel_less": lambda c: Convolution.of(c.layout.columns, c.layout.axes, c.kernels[1:]),
    "one_column_more": lambda c: Convolution.of(c.layout.columns + 1, c.layout.axes, c.kernels),
}


@pytest.mark.lean
def test_the_kernel_refuses_what_the_replay_refuses_and_computes_the_same_rows(kernel, padded) -> None:
    """In one file: what is good (the rows of any layout among it) has no error, each damaged certificate has one."""
    good = tight(padded)
    narrow = replace(good.proof, bits=(3,), widths=(padded.largest_sum.bit_length() - 1,))
    documents = {name: tight(padded, damage(padded)) for name, damage in DAMAGES.items()}
    documents["narrow_fields"] = replace(good, proof=narrow)
    documents["too_few_bits"] = replace(good, proof=replace(good.proof, bits=(2,)))
    texts = [named(document, name).lean for name, document in documents.items()]
    texts += [extra(named(good, name), change) for name, change in MISFITS.items()]
    body = "public noncomputable section\n"
    rows = "".join(_rows_theorem(seed) for seed in range(12))
    source = together([good]) + "\n".join(text.partition(body)[2] for text in texts) + rows

    outcome = kernel(source)

    assert errors_in(source, outcome, "tight") == []
    assert not any(
        m.severity == "error" and m.line > source[: -len(rows)].count("\n") for m in outcome.messages
    )
    for name in (*documents, *MISFITS):
        assert re.search(r"false|failed|decide|recursion", errors_in(source, outcome, name)[0]), name


def _rows_theorem(seed: int) -> str:
    found = drawn(seed)
    width = lean_terms.field_width(found.largest_sum.bit_length())
    rows = ", ".join("[" + ", ".join(map(str, row)) + "]" for row in found.rows())
    return f"""
theorem {NAMESPACE}.rows_{seed} : withRows {lean_terms.convolution(found, width)}
    (fun rows => rowsInts {width} {found.layout.columns} rows) = [{rows}] := by decide +kernel
"""


@pytest.mark.lean
def test_the_kernel_accepts_executions_of_convolutions_of_every_kind(kernel, tmp_path) -> None:
    sources = []
    for number, name in enumerate(
        ("padded", "groups, dilation, unequal sizes", "average pooling", "three axes")
    ):
        layers, shape, _ = SHAPES[name]
        sources.append(named(certificate(tmp_path, layers, shape), f"kind_{number}"))
    source = together(sources)
    assert source.count("theorem executed") == len(sources)

    outcome = kernel(source)

    assert isinstance(outcome, Accepted), outcome.describe()
