"""The real kernel accepts good certificates, refuses damaged ones, and computes what the replay in Python computes.

Starting Lean is most of a small check's time, so several certificates are asked about together, as many as fit in the
memory of a process; each damaged one must have an error of its own, and the good one beside them none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tests.certificate.models import CASES, asked, split_case
from tests.certificate.test_planning import GRID, bits, lopsided, network

from torchlean.certificate import Refusal, certify, lean_terms, replay
from torchlean.certificate.checker import Checker
from torchlean.certificate.document import Document
from torchlean.certificate.lean_source import NAMESPACE
from torchlean.certificate.network import Both, Bound, Done, Linear, Literal, Network, Params, Role, Split
from torchlean.lean import (
    Accepted,
    Outcome,
    Rejected,
    certificate_faults,
)

pytestmark = pytest.mark.lean

TOGETHER = 6
"""Damaged certificates in one file: the kernel's memory grows with what it has computed."""

NETWORKS = range(3)
"""Seeds of random networks whose bounds are compared."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def good(folder) -> Document:
    found = split_case(folder)
    return certify("holds", found.question, found.own, found.text).document


def named(document: Document, name: str) -> Document:
    return replace(document, title=replace(document.title, claim=name))


def body(document: Document) -> str:
    """A certificate's definitions and theorem, without what may stand once in a file."""
    return document.lean.partition("public noncomputable section\n")[2]


def together(documents: list[Document]) -> str:
    heads = [document.lean.partition("/-!")[0].splitlines() for document in documents]
    head = dict.fromkeys(line for lines in heads for line in lines)
    return "\n".join([*head, "public noncomputable section", *map(body, documents)])


def bounds_theorem(seed: int, backward: bool) -> str:
    """That the kernel's boxes of all values of a random network are those of the replay."""
    found, box = network(seed), ((-3000, 2500), (-100, 4000))
    methods = [backward] * len(found.nodes)
    checker = Checker(found, Params(6, 8), bits(found))
    state = checker.build(methods, checker.start(box))
    widths = [lean_terms.field_width(needed) for needed in checker.needed]
    order = range(len(found.nodes) - 1, -1, -1)
    nodes = ", ".join(lean_terms.node(found, index, widths[index]) for index in order)
    noise = ", ".join(lean_terms.naturals(found.noise[index]) for index in order)
    boxes = ", ".join(
        lean_terms.box([(int(a), int(b)) for a, b in zip(e.box.lower, e.box.upper, strict=True)])
        for e in reversed(state)
    )
    given = ", ".join(str(b) for b in reversed(bits(found)))
    method = ".backward" if backward else ".interval"
    return f"""
theorem {NAMESPACE}.bounds_{seed}_{backward} :
    (build ⟨{GRID}, 6, 8⟩ false [{nodes}] [{noise}] [{given}] [{", ".join([method] * len(found.nodes))}]
      (start {lean_terms.box(box)} [{nodes}])).map State.boxes = some [{boxes}] := by decide +kernel
"""


@pytest.fixture(scope="module")
def small(folder) -> list[Document]:
    """Certificates with every kind of node; the first ones do not speak of executions."""
    found = []
    for number, name in enumerate(("leaky", "avg_pool", "residual", "clamp", "maximum", "layouts", "relu6")):
        layers, forward, inputs = CASES[name]
        claim = asked(folder, layers, forward, "net(x) < 30.0", f"[-1.0] * {inputs}, [1.0] * {inputs}")
        found.append(certify(f"{name}_{number}", claim.question, claim.own, claim.text).document)
    return found


def test_good_certificates_are_accepted(kernel, good, small) -> None:
    source = together([good, *small])
    assert certificate_faults(source) == ()
    assert source.count("theorem executed : Executions Float32.binary32") == len(small) - 1
    outcome = kernel(source)
    assert isinstance(outcome, Accepted), outcome.describe()


def test_the_replay_computes_what_the_kernel_does(kernel, good) -> None:
    theorems = "".join(bounds_theorem(seed, backward) for seed in NETWORKS for backward in (False, True))
    head = good.lean.partition("/-!")[0]
    outcome = kernel(f"{head}public section\n\nnamespace TorchLean\n{theorems}\nend TorchLean\n")
    assert isinstance(outcome, Accepted), outcome.describe()


def changed_noise(document: Document, change: Callable[[int, int], int]) -> Document:
    """`change` from the number of a node and the noise of one of its elements."""

    def changed(found: Network) -> Network:
        noise = tuple(tuple(change(node, e) for e in row) for node, row in enumerate(found.noise))
        return replace(found, noise=noise)

    return with_network(document, changed)


def with_roles(document: Document, change: Callable[[tuple[Role, ...]], tuple[Role, ...]]) -> Document:
    return with_network(document, lambda found: replace(found, roles=change(found.roles)))


def with_network(document: Document, change: Callable[[Network], Network]) -> Document:
    return replace(
        document, statement=replace(document.statement, network=change(document.statement.network))
    )


def with_first(document: Document, change: Callable[[Linear], Linear]) -> Document:
    def changed(found: Network) -> Network:
        first = found.nodes[0]
        assert isinstance(first, Linear)
        return replace(found, nodes=(change(first), *found.nodes[1:]))

    return with_network(document, changed)


def with_plan(document: Document, plan) -> Document:
    return replace(document, proof=replace(document.proof, plan=plan))


def larger_weight(node: Linear) -> Linear:
    row = (64 * node.weight[0][0], *node.weight[0][1:])
    return replace(node, weight=(row, *node.weight[1:]))


def all_methods(document: Document, backward: bool) -> tuple[bool, ...]:
    return tuple(backward for _ in document.statement.network.nodes)


DAMAGES: dict[str, Callable[[Document], Document]] = {
    "moved_box": lambda d: replace(
        d, statement=replace(d.statement, box=(d.statement.box[0], (10 * d.statement.box[1][1],) * 2))
    ),
    "larger_box": lambda d: replace(
        d, statement=replace(d.statement, box=tuple((4 * low, 4 * high) for low, high in d.statement.box))
    ),
    "without_low_half": lambda d: with_plan(d, lopsided(d.proof.plan, "high")),
    "without_high_half": lambda d: with_plan(d, lopsided(d.proof.plan, "low")),
    "wrong_scale": lambda d: with_first(d, lambda node: replace(node, scale=node.scale - 3)),
    "larger_weight": lambda d: with_first(d, larger_weight),
    "other_goal": lambda d: replace(d, statement=replace(d.statement, goal=Literal(99, True))),
    "goal_of_nothing": lambda d: replace(
        d, statement=replace(d.statement, goal=Both(Literal(0, True), Literal(5, True)))
    ),
    "more_noise": lambda d: with_network(
        d, lambda found: replace(found, noise=tuple(tuple(e + (1 << 36) for e in row) for row in found.noise))
    ),
    "less_noise_than_elements": lambda d: with_network(
        d, lambda found: replace(found, noise=(found.noise[0][:-1], *found.noise[1:]))
    ),
    "field_overflow": lambda d: replace(
        d, proof=replace(d.proof, bits=tuple(b + 400 if b else 0 for b in d.proof.bits))
    ),
    "too_few_bits": lambda d: replace(d, proof=replace(d.proof, bits=tuple(b // 2 for b in d.proof.bits))),
    "intervals_alone": lambda d: with_plan(d, Bound(all_methods(d, False), Done())),
    "never_bounded": lambda d: with_plan(d, Done()),
    "split_out_of_range": lambda d: with_plan(d, Split(0, 99, 0, d.proof.plan, d.proof.plan)),
    "split_of_unknown": lambda d: with_plan(d, Split(1, 0, 0, d.proof.plan, d.proof.plan)),
}


@pytest.mark.parametrize("name", sorted(DAMAGES))
def test_the_replay_refuses_what_the_kernel_is_to_refuse(name, good) -> None:
    damaged = DAMAGES[name](good)
    with pytest.raises(Refusal):
        replay(damaged.statement, damaged.proof)


@pytest.fixture(scope="module")
def refused(kernel, good) -> dict[str, tuple[str, Outcome]]:
    """The file that each damaged certificate was in, with the good one at its end, and what Lean said."""
    found = {}
    for start in range(0, len(DAMAGES), TOGETHER):
        names = list(DAMAGES)[start : start + TOGETHER]
        source = together([*(named(DAMAGES[name](good), name) for name in names), good])
        answer = source, kernel(source)
        found.update(dict.fromkeys([*names, "holds"], answer))
    return found


def errors_in(source: str, outcome: Outcome, name: str) -> list[str]:
    """Messages on the lines of one certificate."""
    assert isinstance(outcome, Rejected), outcome.describe()
    lines = source.splitlines()
    begin = lines.index(f"namespace {NAMESPACE}.claim_{name}") + 1
    end = lines.index(f"end {NAMESPACE}.claim_{name}") + 1
    return [m.text for m in outcome.messages if m.severity == "error" and begin <= m.line <= end]


@pytest.mark.parametrize("name", sorted(DAMAGES))
def test_the_kernel_refuses_a_damaged_certificate(name, refused) -> None:
    messages = errors_in(*refused[name], name)
    assert messages and re.search(r"false|failed|decide", messages[0]), messages


def test_the_good_certificate_beside_damaged_ones_is_accepted(refused) -> None:
    assert errors_in(*refused["holds"], "holds") == []


EXECUTION_DAMAGES: dict[str, Callable[[Document], Document]] = {
    "noise_less_by_one": lambda d: changed_noise(d, lambda node, e: e - 1 if node == 0 else e),
    "noise_of_one_layer_zeroed": lambda d: changed_noise(d, lambda node, e: 0 if node == 2 else e),
    "no_noise": lambda d: changed_noise(d, lambda node, e: 0),
    "layer_that_nobody_computes": lambda d: with_roles(d, lambda roles: (Role.THOUGHT, *roles[1:])),
    "a_role_too_few": lambda d: with_roles(d, lambda roles: roles[1:]),
}
"""What leaves the theorem about the noisy network true, and says too much of executions."""


@pytest.fixture(scope="module")
def overstated(kernel, good) -> tuple[str, Outcome]:
    source = together([named(damage(good), name) for name, damage in EXECUTION_DAMAGES.items()])
    return source, kernel(source)


@pytest.mark.parametrize("name", sorted(EXECUTION_DAMAGES))
def test_the_kernel_refuses_what_says_too_much_of_executions_and_only_that(name, good, overstated) -> None:
    damaged = EXECUTION_DAMAGES[name](good)
    replay(damaged.statement, damaged.proof)
    source, outcome = overstated
    assert isinstance(outcome, Rejected), outcome.describe()
    lines = source.splitlines()
    begin = lines.index(f"namespace {NAMESPACE}.claim_{name}") + 1
    end = lines.index(f"end {NAMESPACE}.claim_{name}") + 1
    theorem = next(k for k in range(begin, end) if lines[k].startswith("theorem executed")) + 1
    assert errors_in(source, outcome, name)
    assert all(m.line >= theorem for m in outcome.messages if begin <= m.line <= end)
