"""TL202 of a softmax after masks: nothing where each row certainly keeps an element, among them top-p sampling."""

import pytest
import torch
import torch.nn.functional as F
from tests.hazards.expressions import HEADER, marked

DESCENDING = """ordered, order = torch.sort(x, descending=True)
remove = torch.cumsum(F.softmax(ordered, dim=-1), dim=-1) > share
"""

ASCENDING = """ordered, order = torch.sort(x)
remove = ordered.softmax(dim=-1).cumsum(dim=-1) <= 1 - share
"""

SHIFTED = "remove[..., 1:] = remove[..., :-1].clone()\nremove[..., 0] = 0\n"

BACK = 'y = x.masked_fill(remove.scatter(1, order, remove), float("-inf"))\np = F.softmax(y, dim=-1)\n'

TOP_K = 'x = x.masked_fill(x < x.topk(2).values[..., -1:], float("-inf"))\n'

KEPT = [
    DESCENDING + SHIFTED + BACK,
    TOP_K + DESCENDING + SHIFTED + BACK,
    'x = x[:, 1:]\nx[x < x.topk(2)[0][..., -1, None]] = -float("Inf")\np = F.softmax(x, -1)\n',
    DESCENDING + "remove[:, 0] = False\n" + BACK,
    DESCENDING + "remove = torch.cat([torch.zeros(5, 1).bool(), remove[:, :-1]], dim=-1)\n" + BACK,
    ASCENDING + "remove[..., -1:] = 0\n" + BACK,
    TOP_K + ASCENDING + "remove[..., -2:] = 0\n" + BACK,
    DESCENDING
    + SHIFTED
    + "mask = torch.zeros_like(x).bool()\nmask.scatter_(-1, order, src=remove)\n"
    + 'p = F.softmax(x.masked_fill(mask, float("-inf")), dim=-1)\n',
    DESCENDING
    + SHIFTED
    + 'p = ordered.masked_fill(remove, float("-inf")).softmax(-1)\n'
    + "p = p.gather(-1, order.argsort(-1))\n",
]
"""Programs in which no row is masked wholly, whatever the share."""

LOST = [
    DESCENDING + BACK,
    ASCENDING + BACK,
    DESCENDING + "remove[0] = False\n" + BACK,
    DESCENDING + "remove[:3, 0] = False\n" + BACK,
    DESCENDING + "remove[:, 1:1] = False\n" + BACK,
    DESCENDING + "remove[:, 0] = True\n" + BACK,
    DESCENDING
    + SHIFTED
    + BACK.replace("remove.scatter(1, order, remove)", "~remove.scatter(1, order, remove)"),
    DESCENDING
    + SHIFTED
    + BACK.replace("remove.scatter(1, order, remove)", "remove.scatter(1, order.clamp(max=1), remove)"),
    TOP_K + ASCENDING + "remove[..., 0] = 0\n" + BACK,
    'y = x[:, 1:]\ny[y < share] = -float("Inf")\np = F.softmax(y, -1)\n',
    'y = x[:, 1:]\ny[y < y.topk(2)[0][..., -1, None]] = -float("Inf")\np = F.softmax(x[:, 1:3], -1)\n',
]
"""Programs in which some row may be: for a share below the greatest probability, or by what they write."""


def program(body: str) -> str:
    return f"{HEADER}share = 0.9\nx = nn.Linear(3, 6)(torch.rand(5, 3))\n{body}"


@pytest.mark.parametrize("body", KEPT)
def test_nothing_is_said_where_each_row_keeps_an_element(body) -> None:
    assert marked(program(body)) == []


@pytest.mark.parametrize("body", LOST)
def test_rows_that_may_be_masked_wholly_are_marked(body) -> None:
    assert [code for code, _ in marked(program(body))] == ["TL202"]


def rows(body: str, share: float) -> torch.Tensor:
    """The probabilities that torch gives."""
    torch.manual_seed(0)
    names = {"torch": torch, "F": F, "share": share, "x": 3 * torch.randn(5, 6)}
    exec(body, names)
    return names["p"]


@pytest.mark.parametrize("body", KEPT)
def test_torch_gives_each_row_probabilities(body) -> None:
    assert all(bool(torch.isfinite(rows(body, share)).all()) for share in (-0.5, 0.0, 0.01, 0.9, 1.0, 2.0))


@pytest.mark.parametrize("body", LOST)
def test_torch_gives_a_row_of_nan_for_some_share(body) -> None:
    assert any(bool(torch.isnan(rows(body, share)).any()) for share in (-0.5, 0.0, 0.01, 0.5, 0.9, 2.0))


SHARES = """p = torch.softmax(x, dim=-1)
ordered, order = torch.sort(p, dim=-1, descending=True)
total = torch.cumsum(ordered, dim=-1)
mask = {mask}
ordered[mask] = 0.0
p = ordered / ordered.sum(dim=-1, keepdim=True)
"""


@pytest.mark.parametrize(
    ("mask", "codes"),
    [
        ("total - ordered > share", []),
        ("total - ordered >= share", []),
        ("total > share", ["TL203"]),
        ("total - ordered < share", ["TL203"]),
        ("total - p > share", ["TL203"]),
        ("total - ordered > share - 1", ["TL203"]),
    ],
)
def test_the_first_of_sorted_shares_is_kept_where_what_is_before_it_is_compared(mask, codes) -> None:
    body = SHARES.format(mask=mask)
    assert [code for code, _ in marked(program(body))] == codes
    x = torch.tensor([[3.0, 0.0, -3.0, 0.0, 0.0, 0.0], [0.0, 5.0, 0.0, 0.0, 0.0, 0.0]]).repeat(3, 1)[:5]
    names = {"torch": torch, "x": x, "share": 0.9}
    exec(body, names)
    if not codes:
        assert bool(torch.isfinite(names["p"]).all())


@pytest.mark.parametrize(("columns", "codes"), [(2, []), (1, ["TL202"])])
def test_infinities_on_a_diagonal_leave_the_others_of_a_row(columns, codes) -> None:
    """Similarities of a batch without those of each picture with itself."""
    body = f"s = x[:{columns}] @ x[:{columns}].T\ns.fill_diagonal_(float('-inf'))\np = F.softmax(s, dim=1)\n"
    assert [code for code, _ in marked(program(body))] == codes
    names = {"torch": torch, "F": F, "x": torch.randn(5, 6)}
    exec(body, names)
    assert bool(torch.isnan(names["p"]).any()) == bool(codes)
