"""Distributions compute what torch's do, bit for bit; what they draw is of their shape."""

from __future__ import annotations

import pytest
from tests.capture.agreement import assert_agrees, run_and_capture

PROGRAMS = {
    "log probabilities of given logits": """
        from torch.distributions import Categorical
        d = Categorical(logits=numbers(4, 3) * 5)
        result = d.log_prob(torch.tensor([0, 2, 1, 1])) + d.entropy()
    """,
    "probabilities that need not add up to one": """
        d = torch.distributions.Categorical(torch.softmax(numbers(4, 3), dim=1) * 2)
        result = torch.cat((d.log_prob(torch.tensor([0, 2, 1, 1])), d.entropy(), d.probs[0], d.logits[1]))
    """,
    "classes for every row at once": """
        d = torch.distributions.Categorical(logits=numbers(3))
        result = d.log_prob(torch.tensor([[0, 1], [2, 2]]))
    """,
    "normal densities": """
        from torch.distributions import Normal
        d = Normal(numbers(4), torch.exp(numbers(2, 4)))
        result = d.log_prob(numbers(4) * 3) + d.entropy() + d.mean + d.stddev
    """,
    "normal densities of numbers": """
        d = torch.distributions.Normal(torch.tensor(0.5), torch.tensor(2.0))
        result = d.log_prob(numbers(5))
    """,
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_distribution_computes_what_torch_computes(program: str, tmp_path) -> None:
    assert_agrees(program, tmp_path)


@pytest.mark.parametrize(
    "made",
    ["Categorical(logits=numbers(4, 3))", "Normal(numbers(4, 3), torch.ones(3))"],
    ids=["classes", "numbers"],
)
@pytest.mark.parametrize("shape", ["", "(2, 5)"], ids=["one", "many"])
def test_samples_have_torchs_shape_and_dtype(made: str, shape: str, tmp_path) -> None:
    program = f"""
        s = torch.distributions.{made}.sample({shape})
        result = s * 0 + torch.zeros(s.shape, dtype=s.dtype)
        shape = torch.tensor(list(s.shape))
    """
    real, _, captured = run_and_capture(program, tmp_path)
    (script,) = [unit for unit in captured.units if unit.kind.value == "script"]
    made_nodes = [o.node for o in script.observations if o.label == "result"]
    assert captured.graph[made_nodes[-1]].type.shape == tuple(real.shape)
    assert captured.graph[made_nodes[-1]].type.dtype == real.dtype
