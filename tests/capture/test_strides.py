"""`view` of what lies in pieces is refused by torch; nothing is said where the strides allow it or are not known."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from torchlean.analysis import Session, analyse

HEADER = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n\nx = torch.randn(2, 3, 4, 5)\n"

REFUSED = [
    "x[:, :2].view(-1)",
    "x[..., ::2].view(2, -1)",
    "x.transpose(1, 2).view(2, -1)",
    "x.permute(0, 2, 3, 1).view(2, -1)",
    "x.chunk(2, dim=-1)[0].view(2, -1)",
    "torch.randn(4, 1).expand(4, 6).view(-1)",
    "torch.relu(x).mT.view(2, -1)",
    "nn.Linear(5, 6)(x).transpose(1, 2).view(2, 4, -1)",
    "(torch.softmax(x @ x.mT, dim=-1) @ x).transpose(1, 2).view(2, 4, -1)",
    "x.mT.view_as(x.clone())",
]

ALLOWED = [
    "x[:1].view(-1)",
    "x[:, :2].reshape(-1)",
    "x[:, :2].view(2, 2, -1)",
    "x.transpose(1, 2).contiguous().view(2, -1)",
    "x.transpose(1, 2).clone(memory_format=torch.contiguous_format).view(2, -1)",
    "x[:, :1].transpose(1, 2).view(2, -1)",
    "x.transpose(1, 2).view(2, 4, 3, 5, 1)",
    "x.permute(0, 2, 3, 1).view(2, -1, 3)",
    "x.to(memory_format=torch.channels_last).permute(0, 2, 3, 1).view(2, -1, 3)",
    "torch.empty(2, 3, 4, 5, memory_format=torch.channels_last).permute(0, 2, 3, 1).view(2, -1, 3)",
    "torch.relu(x.transpose(1, 2)).transpose(1, 2).view(-1)",
    "(torch.randn(5, 6).t() @ x.mT.contiguous()).view(2, -1)",
    "torch.randn(2, 4, 4).diagonal(dim1=1, dim2=2).view(2, 2, 2)",
    "nn.Linear(5, 6)(x.transpose(1, 2)).view(2, -1)",
    "torch.cat([x.mT, x.mT]).view(4, -1)",
]


def codes(expression: str) -> list[str]:
    analysis = analyse("/somewhere/program.py", f"{HEADER}y = {expression}\n", Session())
    return [found.code for found in analysis.diagnostics]


def run(expression: str) -> torch.Tensor:
    return eval(expression, {"torch": torch, "nn": nn, "x": torch.randn(2, 3, 4, 5)})


@pytest.mark.parametrize("expression", REFUSED)
def test_a_view_of_what_lies_in_pieces_is_an_error(expression) -> None:
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        run(expression)
    assert codes(expression) == ["TL101"]


@pytest.mark.parametrize("expression", ALLOWED)
def test_nothing_is_said_of_views_that_torch_gives(expression) -> None:
    run(expression)
    assert codes(expression) == []


@pytest.mark.parametrize("rows", [(), (2,), (2, 3), (1, 1), (2, 3, 4)])
def test_products_are_in_row_major_order_whatever_the_order_of_their_factors(rows) -> None:
    a, b = torch.randn(*rows, 4, 5), torch.randn(*rows, 5, 6)
    for left in (a, a.mT.contiguous().mT):
        for right in (b, b.mT.contiguous().mT):
            assert (left @ right).is_contiguous() and torch.matmul(left, right).is_contiguous()
    for bias in (False, True):
        assert nn.Linear(5, 3, bias=bias)(a).is_contiguous()
    assert torch.softmax(a, dim=-1).is_contiguous() and torch.log_softmax(a, dim=0).is_contiguous()
