"""Entropies and perplexities of shares, and roots of one minus a squared cosine."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from tests.hazards.expressions import HEADER, claimed, hazards, marked, unknown

VQ = """class VQ(nn.Module):
    def __init__(self):
        super().__init__()
        self.codes = nn.Embedding(512, 16)

    def forward(self, z):
        index = torch.cdist(z, self.codes.weight).argmin(-1)
        p = F.one_hot(index, 512).float().mean(0)
        return torch.exp(-torch.sum(p * torch.log(p + 1e-10)))


VQ()(torch.randn(128, 16))
"""

SHARES = {
    "softmax": "p = torch.softmax(x, -1)",
    "log_softmax": "p = F.log_softmax(x, -1).exp()",
    "a quotient": "q = x.abs() + 0.1\np = q / q.sum(-1, keepdim=True)",
    "the mean of shares": "p = torch.softmax(x.reshape(8, -1, 1).expand(8, -1, 300), -1).mean(0)",
}


def test_the_perplexity_of_a_codebook_is_at_most_the_number_of_its_codes() -> None:
    assert marked(HEADER + VQ) == []


def test_shares_that_do_not_add_up_to_one_have_any_entropy() -> None:
    body = "p = torch.rand(512)\nperplexity = torch.exp(-(p * torch.log(p + 1e-10)).sum())\n"
    assert [code for code, _ in marked(HEADER + body)] == ["TL201"]


@pytest.mark.parametrize("shares", SHARES.values(), ids=SHARES)
@pytest.mark.parametrize(
    "total", ["-(p * torch.log(p + 1e-10)).sum(-1)", "(-p * torch.log(p + 1e-10)).sum(-1)"]
)
def test_the_exponential_of_an_entropy_of_shares_is_silent(shares: str, total: str) -> None:
    wide = f"x = x.reshape(4, 8).repeat(1, 64)\n{shares}\ny = torch.exp({total})"
    assert marked(unknown(wide)) == []


@pytest.mark.parametrize("size", [1, 2, 3, 5, 600])
def test_no_entropy_leaves_its_range(size: int) -> None:
    """Where an entropy that occurs makes a power overflow, that is reported."""
    generator = torch.Generator().manual_seed(size)
    logits = torch.randn(200, size, generator=generator) * torch.logspace(-3, 2, 200)[:, None]
    p = torch.softmax(logits, -1)
    # exp2 overflows at 128: the factor puts the greatest entropy that occurs to 129.
    body = "p = torch.softmax(x, -1)\ny = torch.exp2(-(p * torch.log(p + 1e-10)).sum(-1) * {factor})"
    highest = float((-(p * torch.log(p + 1e-10)).sum(-1)).max())
    if highest > 1e-3:
        text = claimed(body.format(factor=129 / highest), [-50.0] * size, [50.0] * size)
        assert "TL201" in [d.code for d in hazards(text)]


def test_the_root_of_one_minus_a_squared_cosine_has_no_gradient_where_vectors_agree() -> None:
    body = "a = nn.Linear(4, 4)(x)\nc = F.cosine_similarity(a, x)\ny = (1 - c**2).clamp(0, 1).sqrt()"
    assert marked(unknown(body)) == [("TL203", "(1 - c**2).clamp(0, 1).sqrt()")]
    assert marked(unknown(body.replace("clamp(0, 1)", "clamp(1e-6, 1)"))) == []
    a = torch.randn(16, 8, requires_grad=True, generator=torch.Generator().manual_seed(0))
    (1 - F.cosine_similarity(a, a.detach()) ** 2).clamp(0, 1).sqrt().sum().backward()
    assert a.grad is not None and bool(a.grad.isnan().any())


SUMS = [
    ("(w**2).sum(-1)", "(w**2).sum(0)"),
    ("w.square().sum(-1)", "(w * w.detach().flip(0)).sum(-1)"),
    ("torch.topk(w, 2, dim=-1)[0].sum(-1)", "torch.topk(w, 2, dim=-1, largest=False)[0].sum(-1)"),
    ("torch.topk(w, 2, dim=-1).values.sum(-1)", "torch.topk(w, 2, dim=0).values.sum(-1)"),
    ("torch.rand(40, 65).sum(1)", "torch.rand(40, 1).sum(1)"),
    ("torch.rand(40, 65).mean(1)", "torch.randint(0, 2, (40, 65)).float().mean(1)"),
]
"""Divisors that are never zero, and others that are written like them and may be: zero is a share of a softmax."""


@pytest.mark.parametrize(("never", "perhaps"), SUMS)
def test_sums_of_shares_and_of_draws_are_no_zero_divisors(never: str, perhaps: str) -> None:
    body = "w = torch.softmax(nn.Linear(4, 16)(x), -1)\ny = 1 / {divisor}"
    assert marked(unknown(body.format(divisor=never))) == []
    assert [code for code, _ in marked(unknown(body.format(divisor=perhaps)))] == ["TL203"]


def test_no_softmax_has_smaller_sums_than_that() -> None:
    logits = (
        torch.randn(500, 16, generator=torch.Generator().manual_seed(0)) * torch.logspace(-4, 3, 500)[:, None]
    )
    w = torch.softmax(logits, -1)
    assert float((w**2).sum(-1).min()) >= (1 - 1e-6) / 16
    assert float(torch.topk(w, 3)[0].sum(-1).min()) >= (1 - 1e-6) * 3 / 16
