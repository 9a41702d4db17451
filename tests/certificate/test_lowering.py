"""The network of a certificate is the network of the program."""

from fractions import Fraction

import pytest
import torch
from tests.certificate.models import CASES, asked, drawn, margin_of

from torchlean.certificate.lowering import NotCheckableError, lower
from torchlean.certificate.network import Both, Either, Literal
from torchlean.graph import evaluate

GRID = 40


def lowered(found, *, exact=False):
    return lower(found.question.margin, found.own, found.question.domains, GRID, exact=exact).statement


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_network_computes_what_torch_computes(name, tmp_path) -> None:
    layers, forward, inputs = CASES[name]
    found = asked(tmp_path, layers, forward, "net(x) < 3.0", f"[-1.0] * {inputs}, [1.0] * {inputs}")
    # In real arithmetic: executions round limits such as 0.3 to their dtype.
    statement = lowered(found, exact=True)
    for named, flat in drawn(found, 6):
        expected = evaluate(found.question.margin.graph, named, dtype=torch.float64)[
            found.question.margin.node
        ]
        value = margin_of(statement.goal, statement.network.run(flat)[-1])
        # float64 rounds, and constants that are not dyadic are kept to 2^-64.
        assert abs(float(value) - float(expected)) < 1e-12 * (1 + abs(float(expected)))


@pytest.mark.parametrize("name", sorted(CASES))
def test_noise_covers_what_float32_computes(name, tmp_path) -> None:
    """Each node's exact result on the values that torch computed before is within its noise of what torch computed: so
    the executed margin is within the bounds that the checker finds with that noise."""
    layers, forward, inputs = CASES[name]
    found = asked(tmp_path, layers, forward, "net(x) < 3.0", f"[-1.0] * {inputs}, [1.0] * {inputs}")
    statement = lowered(found)
    noisy = [reached(statement.network, flat) for _, flat in drawn(found, 4)]
    threads = torch.get_num_threads()
    for (named, _), (low, high) in zip(drawn(found, 4), noisy, strict=True):
        for count in (1, 2):
            torch.set_num_threads(count)
            try:
                executed = evaluate(found.question.margin.graph, named)
            finally:
                torch.set_num_threads(threads)
            compared = executed_rows(statement.goal, found, executed)
            assert low <= compared <= high


def executed_rows(goal, found, executed) -> Fraction:
    """The margin of the executed comparison, from what torch computed, in exact arithmetic."""
    result = executed[found.own - 1]
    assert result.dtype == torch.bool
    compared = found.question.margin.graph[found.own - 1]
    left, right = (executed[id].double() for id in compared.inputs)
    # Differences of float32 numbers near three are exact in float64.
    return min(Fraction(x) for x in (right - left).flatten().tolist())


def reached(network, flat) -> tuple[Fraction, Fraction]:
    """Between what the noise lets the margin get on one input: intervals around the point."""
    from torchlean.certificate.checker import Checker
    from torchlean.certificate.network import Params

    box = [(int(x * 2**GRID // 1), -int(-x * 2**GRID // 1)) for x in flat]
    checker = Checker(network, Params(16, 24), [512] * len(network.nodes))
    state = checker.build([False] * len(network.nodes), checker.start(box))
    unit = Fraction(1, 2**GRID)
    return min(state[-1].box.lower) * unit, min(state[-1].box.upper) * unit


def test_a_magnitude_becomes_two_inequalities(tmp_path) -> None:
    found = asked(
        tmp_path, "self.a = nn.Linear(2, 1)", "return self.a(x)", "net(x).abs() <= 2.5", "[-1.0] * 2, 1.0"
    )
    statement = lowered(found)
    assert statement.goal == Both(Literal(0, False), Literal(1, False))
    assert [type(node).__name__ for node in statement.network.nodes] == ["Linear", "Linear"]


def test_a_lower_bound_of_a_magnitude_becomes_one_of_two_inequalities(tmp_path) -> None:
    found = asked(
        tmp_path, "self.a = nn.Linear(2, 1)", "return self.a(x)", "net(x).abs() > 0.1", "[-1.0] * 2, 1.0"
    )
    assert lowered(found).goal == Either(Literal(0, True), Literal(1, True))


def test_a_classification_becomes_differences_of_scores(tmp_path) -> None:
    found = asked(
        tmp_path, "self.a = nn.Linear(2, 4)", "return self.a(x)", "net(x).argmax(-1) == 2", "[-1.0] * 2, 1.0"
    )
    statement = lowered(found)
    last = statement.network.nodes[-1]
    assert [row[2] for row in last.weight] == [1 << last.scale] * 3
    assert all(sum(row) == 0 for row in last.weight)


def test_conjunctions_and_disjunctions_stay_what_they_are(tmp_path) -> None:
    claim = "((net(x)[0] > 0) & (net(x)[1] > 0)) | (net(x)[2] > 0)"
    found = asked(tmp_path, "self.a = nn.Linear(2, 3)", "return self.a(x)", claim, "[-1.0] * 2, 1.0")
    statement = lowered(found)
    assert isinstance(statement.goal, Both)
    assert isinstance(statement.goal.left, Either) and isinstance(statement.goal.right, Either)


def test_the_box_is_rounded_outward_to_the_grid(tmp_path) -> None:
    found = asked(tmp_path, "self.a = nn.Linear(1, 1)", "return self.a(x)", "net(x) < 9.0", "[0.1], [0.7]")
    statement = lower(found.question.margin, found.own, found.question.domains, 8).statement
    ((low, high),) = statement.box
    assert Fraction(low, 256) <= Fraction(0.1) <= Fraction(low + 1, 256)
    assert Fraction(high - 1, 256) <= Fraction(0.7) <= Fraction(high, 256)


def test_real_arithmetic_has_no_noise(tmp_path) -> None:
    layers, forward, inputs = CASES["dense"]
    found = asked(tmp_path, layers, forward, "net(x) < 3.0", f"[-1.0] * {inputs}, [1.0] * {inputs}")
    assert not any(any(noise) for noise in lowered(found, exact=True).network.noise)
    assert any(any(noise) for noise in lowered(found).network.noise)


@pytest.mark.parametrize(
    ("forward", "op"),
    [
        ("return torch.tanh(x)", "tanh"),
        ("return x * x", "square"),
        ("return torch.sort(x)[0]", "sort"),
        ("return x.softmax(-1)", "softmax"),
        ("return x.half().float()", "cast"),
        ("return 1 / x", "reciprocal"),
    ],
)
def test_an_op_outside_the_checker_is_named_with_its_line(forward, op, tmp_path) -> None:
    found = asked(tmp_path, "", forward, "net(x) < 3.0", "[1.0] * 2, [2.0] * 2")
    with pytest.raises(
        NotCheckableError, match=f"`{op}` on line {found.text.splitlines().index('        ' + forward) + 1}"
    ):
        lowered(found)


@pytest.mark.parametrize("op", ["cat", "stack"])
def test_integers_that_are_moved_among_floats_may_be_rounded_and_are_refused(op, tmp_path) -> None:
    forward = f"return torch.{op}([x, torch.zeros(1)])"
    found = asked(tmp_path, "", forward, "net(x) <= 1e9", "0, 2**24 + 1, shape=(1,), dtype=torch.int64")
    with pytest.raises(NotCheckableError, match=f"`{op}` on line .* mixes torch.int64 and torch.float32"):
        lowered(found)


def test_weights_that_were_never_loaded_are_no_network(tmp_path) -> None:
    found = asked(tmp_path, "self.a = nn.Linear(2, 1)", "return self.a(x)", "net(x) < 9.0", "[0.0] * 2, 1.0")
    text = found.text.replace('tl.load(Net(), "net.safetensors")', "Net()")
    from torchlean.analysis.session import Session
    from torchlean.analysis.units import bound_unit, unit_graph
    from torchlean.capture import capture_file

    capture = capture_file(str(found.path), text, Session(()).workspace, lambda: False)
    (unit,) = [unit for unit in capture.units if unit.name == "holds"]
    bounded = bound_unit(unit_graph(capture, unit), Session(()).bounds, lambda: False)
    with pytest.raises(NotCheckableError, match="drawn at random"):
        lower(bounded.question.margin, len(bounded.part.graph), bounded.question.domains, GRID)


def test_an_execution_that_may_overflow_has_no_noise_bound(tmp_path) -> None:
    found = asked(tmp_path, "", "return (x * 1e30) * 1e30", "net(x) < 3.0", "[-1.0], [1.0]")
    with pytest.raises(NotCheckableError, match="overflow"):
        lowered(found)
    assert lowered(found, exact=True).network.nodes
