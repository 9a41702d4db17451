"""Plans: what the checker is told to do proves the claim, and what it cannot show is said."""

import random
from dataclasses import replace
from fractions import Fraction

import pytest
from tests.certificate.models import asked, split_case

from torchlean.certificate import planning as module
from torchlean.certificate.checker import Checker, Refusal
from torchlean.certificate.cost import effort, reading
from torchlean.certificate.lean_terms import bits_of, field_width
from torchlean.certificate.lowering import lower
from torchlean.certificate.network import (
    Add,
    Bound,
    Concat,
    Done,
    Hinge,
    Linear,
    Literal,
    Network,
    Params,
    Split,
    Statement,
    conjunction,
)
from torchlean.certificate.planning import NotPlannableError, plan
from torchlean.certificate.replay import leaves, replay

GRID = 12


def network(seed: int) -> Network:
    """A random network with every kind of node, small integers and some noise."""
    draw = random.Random(seed)

    def matrix(rows: int, columns: int) -> tuple:
        return tuple(tuple(draw.randint(-9, 9) for _ in range(columns)) for _ in range(rows))

    def bias(rows: int) -> tuple:
        return tuple(draw.randint(-9, 9) for _ in range(rows))

    kink, value, below, above = (draw.randint(-2000, 2000) for _ in range(4))
    nodes = (
        Linear(0, 3, matrix(3, 2), bias(3)),
        Hinge(1, 0, 0, 0, 0, 1),
        Linear(2, 2, matrix(3, 3), bias(3)),
        Add(1, 3),
        Hinge(4, 9, kink, value, below, above),
        Concat(5, 2),
        Linear(6, 3, matrix(2, 6), bias(2)),
    )
    sizes = (2, 3, 3, 3, 3, 3, 6, 2)
    noise = tuple(tuple(draw.randint(0, 3) for _ in range(size)) for size in sizes[1:])
    return Network(GRID, nodes, noise, sizes)


def bits(found: Network) -> tuple[int, ...]:
    return tuple(
        bits_of([w for row in node.weight for w in row]) if isinstance(node, Linear) else 0
        for node in found.nodes
    )


def noisy_run(found: Network, point: list[Fraction], draw: random.Random) -> list[list[Fraction]]:
    """One run that the noise admits: each node's exact result, moved by up to its noise."""
    values = [point]
    for node, noise in zip(found.nodes, found.noise, strict=True):
        exact = found.evaluate(node, values)
        moved = [Fraction(draw.choice((-e, 0, e, draw.randint(-e, e))), 1 << GRID) for e in noise]
        values.append([value + e for value, e in zip(exact, moved, strict=True)])
    return values


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("method", ["interval", "backward"])
def test_bounds_contain_every_run_that_the_noise_admits(seed, method) -> None:
    found, draw = network(seed), random.Random(seed)
    box = [(-draw.randint(1, 1 << GRID), draw.randint(1, 1 << GRID)) for _ in range(2)]
    checker = Checker(found, Params(6, 8), bits(found))
    state = checker.build([method == "backward"] * len(found.nodes), checker.start(box))
    for number in range(40):
        share = [draw.random() if number % 2 else draw.randint(0, 1) for _ in box]
        point = [
            Fraction(low) + (high - low) * Fraction(s) for (low, high), s in zip(box, share, strict=True)
        ]
        values = noisy_run(found, [x / (1 << GRID) for x in point], draw)
        for entry, value in zip(state, values, strict=True):
            for low, high, x in zip(entry.box.lower, entry.box.upper, value, strict=True):
                assert low <= x * (1 << GRID) <= high


@pytest.mark.parametrize("seed", range(12))
def test_random_statements_that_are_true_enough_are_planned_and_replayed(seed) -> None:
    """The output is moved until its exact least value on the corners is well above zero."""
    drawn = network(seed)
    found = replace(drawn, noise=tuple((0,) * len(e) for e in drawn.noise))
    box = ((-1 << GRID - 2, 1 << GRID - 2),) * 2
    checker = Checker(found, Params(16, 24), bits(found))
    state = checker.build([True] * len(found.nodes), checker.start(box))
    least = min(int(low) for low in state[-1].box.lower)
    last = found.nodes[-1]
    assert isinstance(last, Linear)
    raise_by = -(least >> (GRID - last.scale)) + 1
    moved = Linear(last.operand, last.scale, last.weight, tuple(b + raise_by for b in last.bias))
    statement = Statement(
        Network(GRID, (*found.nodes[:-1], moved), found.noise, found.sizes),
        box,
        conjunction([Literal(0, True), Literal(1, True)]),
    )
    planned = plan(statement)
    replay(statement, planned.proof)
    assert leaves(planned.proof.plan) == planned.leaves


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """A statement that needs splits, and its proof."""
    found = split_case(tmp_path_factory.mktemp("model"))
    statement = lower(found.question.margin, found.own, found.question.domains, 36).statement
    planned = plan(statement)
    assert planned.leaves > 1
    return statement, planned.proof


def test_a_split_proof_is_replayed(split) -> None:
    replay(*split)


def lopsided(plan_found, half):
    """The first split of a plan replaced by one of its halves."""
    if isinstance(plan_found, Bound):
        return replace(plan_found, next=lopsided(plan_found.next, half))
    assert isinstance(plan_found, Split)
    return getattr(plan_found, half)


@pytest.mark.parametrize("half", ["low", "high"])
def test_half_a_tree_proves_nothing(half, split) -> None:
    statement, proof = split
    with pytest.raises(Refusal, match="not shown"):
        replay(statement, replace(proof, plan=lopsided(proof.plan, half)))


def test_a_field_that_may_overflow_is_refused_with_its_node(split) -> None:
    statement, proof = split
    widths = tuple(max(width - 8, 0) for width in proof.widths)
    with pytest.raises(Refusal, match=r"node \d+: .*(overflow|fit in a field)"):
        replay(statement, replace(proof, widths=widths))


def test_bits_that_are_too_few_are_refused(split) -> None:
    statement, proof = split
    with pytest.raises(Refusal, match="needs more than"):
        replay(statement, replace(proof, bits=tuple(b // 2 for b in proof.bits)))


def test_a_proof_of_a_small_box_proves_nothing_of_a_large_one(split) -> None:
    statement, proof = split
    larger = replace(statement, box=tuple((4 * low, 4 * high) for low, high in statement.box))
    with pytest.raises(Refusal, match="not shown"):
        replay(larger, proof)


def test_a_plan_that_never_bounds_the_output_is_refused(split) -> None:
    statement, proof = split
    with pytest.raises(Refusal, match="never bounded"):
        replay(statement, replace(proof, plan=Done()))


def test_splits_beyond_the_network_are_refused(split) -> None:
    statement, proof = split
    first = Bound(tuple(False for _ in statement.network.nodes), Done())
    for value, element, words in ((99, 0, "but there are"), (0, 99, "which has 2")):
        wrong = Split(value, element, 0, first, first)
        with pytest.raises(Refusal, match=words):
            replay(statement, replace(proof, plan=wrong))
    with pytest.raises(Refusal, match="not known yet"):
        replay(statement, replace(proof, plan=Split(1, 0, 0, first, first)))


def test_what_is_false_has_no_plan(tmp_path) -> None:
    found = asked(tmp_path, "self.a = nn.Linear(1, 1)", "return self.a(x)", "net(x) < -9.0", "[-1.0], [1.0]")
    statement = lower(found.question.margin, found.own, found.question.domains, 36).statement
    with pytest.raises(NotPlannableError, match=r"single point|parts"):
        plan(statement)


def test_a_search_that_is_out_of_time_may_be_tried_again(split) -> None:
    statement, _ = split
    with pytest.raises(NotPlannableError) as error:
        plan(statement, seconds=0.0)
    assert error.value.passing


def test_what_the_kernel_would_take_too_long_for_is_not_offered(split, monkeypatch) -> None:
    """Also where bounds on the whole box show it, and for ever: more time for the search would not help."""
    statement, _ = split
    whole = replace(statement, box=tuple((low // 8, high // 8) for low, high in statement.box))
    assert plan(whole).leaves == 1
    for asked_for in (statement, whole):
        needed = reading(statement.network).seconds + plan(asked_for).effort.seconds
        monkeypatch.setattr(module, "CHECK_SECONDS", needed * 0.99)
        with pytest.raises(NotPlannableError, match="kernel would need more than") as error:
            plan(asked_for)
        assert not error.value.passing
        monkeypatch.undo()


def test_a_way_that_takes_too_much_memory_is_left_out(split, monkeypatch) -> None:
    """The whole box is bounded as its parts are, where bounding it better would be too much for one theorem."""
    statement, _ = split
    last = len(statement.network.nodes) - 1
    output = tuple(index == last for index in range(last + 1))
    quick = effort(statement.network, output).seconds
    monkeypatch.setattr(module, "LARGEST_SECONDS", 2 * quick)
    planned = plan(statement)
    assert isinstance(planned.proof.plan, Bound) and planned.proof.plan.backward == output
    monkeypatch.setattr(module, "LARGEST_SECONDS", 1.9 * quick)
    with pytest.raises(NotPlannableError, match="by estimate"):
        plan(statement)


def test_fields_are_whole_hexadecimal_digits() -> None:
    assert [field_width(n) for n in (0, 1, 4, 5, 64, 65)] == [4, 4, 4, 8, 64, 68]
