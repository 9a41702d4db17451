"""Which proposals are offered, and what their titles claim."""

from __future__ import annotations

import re

from torchlean.analysis import Session
from torchlean.analysis.fixing import fixes
from torchlean.edits import Fix, applied

HEAD = "import torch\nimport torch.nn.functional as F\nimport torchlean as tl\n\n"

EVERYWHERE = (0, 10**6)


def claim(expression: str, low: float, high: float) -> str:
    return HEAD + (
        f"@tl.claim(x=tl.box([{low}, {low}], [{high}, {high}]))\n"
        f"def c(x):\n    return {expression} >= -1e30\n"
    )


def found(text: str, lines: tuple[int, int] = EVERYWHERE) -> tuple[Fix, ...]:
    return fixes("/m.py", text, lines, Session())


def test_the_title_states_the_bound_of_the_new_expression_rounded_outward() -> None:
    text = claim("torch.log(torch.softmax(x, dim=0))", -300.0, 300.0)
    (first, *_) = found(text)
    match = re.fullmatch(
        r"Use log_softmax: values in \[(\S+), (\S+)\], rounding error at most (\S+) \(TL211 is gone\)",
        first.title,
    )
    assert match is not None, first.title
    lower, upper, error = map(float, match.groups())
    # At the corner of the box that is worst for the first element, exactly -600.
    assert lower <= -600.0 and upper >= -1e-30 and 0 < error < 1e-3
    assert "F.log_softmax(x, dim=0)" in applied(text, first.edits)


def test_a_title_says_nothing_of_a_bound_that_is_not_known() -> None:
    text = HEAD + "z = torch.nn.Linear(2, 2)(torch.randn(2))\nloss = torch.log(torch.sum(torch.exp(z)))\n"
    assert [fix.title for fix in found(text)] == ["Use logsumexp (TL201 is gone)"]


def test_a_title_says_what_a_start_in_float64_is_good_for_and_not_that_it_is_zero() -> None:
    text = HEAD + "total = torch.zeros(())\nfor step in range(20_000_000):\n    total += 1.0\n"
    assert [fix.title for fix in found(text)] == [
        "Accumulate in float64 from the start, exact for counts up to 2^53 (TL207 is gone)"
    ]


def test_only_hazards_on_the_asked_lines_are_looked_at() -> None:
    text = claim("torch.log(torch.softmax(x, dim=0))", -300.0, 300.0)
    assert found(text, (0, 3)) == ()
    assert found(text, (6, 6)) != ()


def test_a_proposal_that_leaves_the_hazard_is_not_offered() -> None:
    # log1p(-p) is log(1 - p) with better rounding; it is as infinite where p is one.
    text = claim("torch.log(1 - torch.sigmoid(x))", -300.0, 300.0)
    titles = [fix.title for fix in found(text)]
    assert titles and not any("log1p" in title for title in titles)


def test_a_proposal_that_brings_an_error_is_not_offered() -> None:
    # torch's function does not broadcast its target as the formula did.
    text = claim(
        "-(0.5 * torch.log(torch.sigmoid(x)) + (1 - 0.5) * torch.log(1 - torch.sigmoid(x)))", -300, 300
    )
    assert not any("binary_cross_entropy" in fix.title for fix in found(text))


def test_a_division_is_limited_only_where_the_divisor_is_known_not_to_be_negative() -> None:
    known = [fix.title for fix in found(claim("1 / x", 0.0, 1.0))]
    assert any(title.startswith("Clamp to at least") for title in known)
    unknown = [fix.title for fix in found(claim("1 / x", -1.0, 1.0))]
    assert not any(title.startswith("Clamp to at least") for title in unknown)


def test_a_file_that_is_no_python_has_no_fixes() -> None:
    assert found("def f(:\n") == ()


def test_the_session_is_as_before_so_that_claims_are_still_decided() -> None:
    session = Session()
    fixes("/m.py", claim("torch.log(torch.softmax(x, dim=0))", -300.0, 300.0), EVERYWHERE, session)
    assert session.method == "crown"
