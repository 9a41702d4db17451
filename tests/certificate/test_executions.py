"""Which claims are stated of binary32 executions, and what their nodes are charged for."""

from fractions import Fraction

import pytest
from tests.certificate.models import CASES, asked

from torchlean.certificate import certify
from torchlean.certificate.assembly import single
from torchlean.certificate.lowering import Lowered, lower
from torchlean.certificate.network import Linear, Role

GRID = 40

ELSEWISE = {
    "arithmetic": "div",
    "avg_pool": "avg_pool",
    "batch_norm": "batch_norm",
    "leaky": "leaky_relu",
    "mean": "mean",
    "plain_batch_norm": "batch_norm",
}
"""Cases with an op that is executed in steps of its own, and that op."""


def lowered(folder, layers: str, forward: str, inputs: int, claim: str = "net(x) < 3.0") -> Lowered:
    found = asked(folder, layers, forward, claim, f"[-1.0] * {inputs}, [1.0] * {inputs}")
    return lower(found.question.margin, found.own, found.question.domains, GRID)


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_claim_is_stated_of_executions_unless_an_op_is_executed_in_steps_of_its_own(name, tmp_path) -> None:
    layers, forward, inputs = CASES[name]
    found = lowered(tmp_path, layers, forward, int(inputs))
    network = found.statement.network
    if name in ELSEWISE:
        assert network.roles == ()
        assert found.departure.startswith(f"`{ELSEWISE[name]}` on line ")
    else:
        assert (len(network.roles), found.departure) == (len(network.nodes), "")


@pytest.mark.parametrize("name", sorted(set(CASES) - set(ELSEWISE)))
def test_weights_of_operations_are_numbers_of_binary32(name, tmp_path) -> None:
    """Else a theorem about executions would speak of none."""
    layers, forward, inputs = CASES[name]
    network = lowered(tmp_path, layers, forward, int(inputs)).statement.network
    operations = [
        node
        for node, role in zip(network.nodes, network.roles, strict=True)
        if role is Role.OPERATION and isinstance(node, Linear)
    ]
    for node in operations:
        for number in {*node.bias, *(weight for row in node.weight for weight in row)}:
            assert single(Fraction(number, 1 << node.scale))
        assert node.operand == 0 or network.roles[node.operand - 1] is not Role.THOUGHT


def test_binary32_has_24_bits_from_149_places_on_below_2_to_the_128() -> None:
    numbers = [0, 1, -(2**24) + 1, Fraction(1, 2**149), Fraction(2**24 - 1) * 2**104]
    others = [2**24 + 1, Fraction(1, 3), Fraction(1, 2**150), 2**128, Fraction(3, 2**150)]
    assert all(single(Fraction(number)) for number in numbers)
    assert not any(single(Fraction(number)) for number in others)


def test_a_sum_is_charged_for_one_addition_and_a_selection_for_nothing(tmp_path) -> None:
    residual = lowered(tmp_path, "self.a = nn.Linear(4, 4)", "return x + torch.relu(self.a(x))", 4)
    network = residual.statement.network
    (place,) = [
        k
        for k, node in enumerate(network.nodes)
        if isinstance(node, Linear) and node.scale == 0 and network.roles[k] is Role.OPERATION
    ]
    # |x| <= 1 and relu(a x + b) <= 4 * 0.5 + 0.5.
    assert all(
        0 < noise <= Fraction(3.6) * Fraction(1, 2**24) * 2**GRID + 1 for noise in network.noise[place]
    )
    greatest = lowered(tmp_path, "self.a = nn.Linear(3, 5)", "return self.a(x).amax(-1)", 3).statement.network
    assert [any(noise) for noise in greatest.noise] == [True] + [False] * (len(greatest.nodes) - 1)


def test_a_mean_over_a_power_of_two_is_a_sum_and_a_product(tmp_path) -> None:
    found = lowered(tmp_path, "self.a = nn.Linear(3, 4)", "return self.a(x).mean()", 3)
    assert found.departure == ""
    assert [len(node.weight) for node in found.statement.network.nodes if isinstance(node, Linear)][1:3] == [
        1,
        1,
    ]


def test_other_dtypes_are_not_stated_of_executions(tmp_path) -> None:
    double = lowered(tmp_path, "self.a = nn.Linear(3, 2).double()", "return self.a(x.double())", 3)
    assert "computes in torch.float64" in double.departure


def test_what_is_said_of_a_certificate_is_what_its_theorem_says(tmp_path) -> None:
    layers, forward, inputs = CASES["dense"]
    found = asked(tmp_path, layers, forward, "net(x) < 30.0", f"[-1.0] * {inputs}, [1.0] * {inputs}")
    certified = certify("holds", found.question, found.own, found.text)
    assert certified.states == "for every float32 execution, with sums in any order"
    assert certified.document.main.endswith(".executed")
    assert "theorem executed : Executions Float32.binary32 " in certified.document.lean

    layers, forward, inputs = CASES["leaky"]
    found = asked(tmp_path, layers, forward, "net(x) < 30.0", f"[-1.0] * {inputs}, [1.0] * {inputs}")
    certified = certify("holds", found.question, found.own, found.text)
    assert certified.states.startswith("for every run within the noise that TorchLean computed (`leaky_relu`")
    assert certified.document.main.endswith(".holds")
    assert "executed" not in certified.document.lean and "Executions" not in certified.document.lean
