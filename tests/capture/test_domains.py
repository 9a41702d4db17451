"""Domains and claims in a followed file: the same boxes as at run time, and every mistake at its own place."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
import torch

import torchlean as tl
from torchlean.capture import Capture, UnitKind, Workspace, capture_file

HEADER = """\
import math
import torch
from torch import nn
import torchlean as tl
"""


def follow(body: str) -> tuple[Capture, list[tuple[str, str, str]]]:
    """Capture a text; its diagnostics as (code, text of the place, message)."""
    text = HEADER + dedent(body)
    capture = capture_file(str(Path("/nowhere/program.py")), text, Workspace([]))
    lines = text.splitlines()
    return capture, [
        (d.code, lines[d.span.line][d.span.column : d.span.end_column], d.message)
        for d in capture.diagnostics
    ]


def claim(domain: str, body: str = "x <= 1.0") -> str:
    return f"@tl.claim(x={domain})\ndef c(x):\n    return {body}\n"


DOMAINS = [
    "tl.box(-1.0, 1.0)",
    "tl.box([-1.0, -1.0], [1.0, 1.0])",
    "tl.box((-1, -2), (1, 2))",
    "tl.box([-1.0, -1.0], 1.0)",
    "tl.box(0, 1, shape=(1, 2, 3))",
    "tl.box([0.0, 0.5], 1.0, shape=(3, 2))",
    "tl.box(torch.zeros(2), torch.tensor([1.0, 2.0]))",
    "tl.box(-math.pi, math.pi)",
    "tl.box(-math.inf, math.inf, shape=(2,))",
    "tl.box(lo=-1.0, hi=2.0)",
    "tl.box([[0.0, 1.0], [2.0, 3.0]], 4.0)",
    "tl.ball([0.5, 1.0], 0.25)",
    "tl.ball([0.5, 1.0], 0.1, clip=(0, 1))",
    "tl.ball(torch.tensor([0.1, 0.7]), eps=0.3)",
    "tl.ball(0.0, 1e-3)",
]


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_is_the_same_box_as_at_run_time(domain: str) -> None:
    capture, said = follow(claim(domain))
    assert said == []
    run_time = eval(domain, {"tl": tl, "torch": torch, "math": __import__("math")})
    box = capture.units[0].domains["x"]
    assert box.shape == run_time.shape
    assert box.lower.flatten().tolist() == list(run_time.lower)
    assert box.upper.flatten().tolist() == list(run_time.upper)
    assert f"tl.{box.text}" == domain
    assert box.span is not None


BAD = [
    ("tl.box(1.0, -1.0)", "tl.box(1.0, -1.0)", "empty: the lower end 1 is above the upper end -1 at []"),
    ("tl.box([0.0, 2.0], [1.0, 1.0])", "tl.box([0.0, 2.0], [1.0, 1.0])", "empty: the lower end 2 is above"),
    ("tl.box(math.nan, 1.0)", "math.nan", "the lower end is NaN at ()"),
    ("tl.box(0.0, [1.0, math.nan])", "[1.0, math.nan]", "the upper end is NaN at (1,)"),
    ("tl.box([0.0, 1.0], [1.0, 2.0, 3.0])", "tl.box([0.0, 1.0], [1.0, 2.0, 3.0])", "do not broadcast"),
    ("tl.box([0.0, [1.0]], 1.0)", "[0.0, [1.0]]", "the lower end is ragged: shape () at 0, but (1,) at 1"),
    ("tl.box('a', 1.0)", "'a'", "the lower end must be a number, a list of numbers or a tensor, got 'a'"),
    ("tl.box(0.0, None)", "None", "the upper end must be a number, a list of numbers or a tensor"),
    ("tl.box(0.0, 1.0, shape=(2, -1))", "tl.box(0.0, 1.0, shape=(2, -1))", "shape must be a tuple of sizes"),
    (
        "tl.box([0.0, 0.0], 1.0, shape=(3,))",
        "tl.box([0.0, 0.0], 1.0, shape=(3,))",
        "do not broadcast to shape=(3,)",
    ),
    ("tl.box(torch.rand(2), 1.0)", "torch.rand(2)", "not known before the program runs"),
    ("tl.ball([0.0], -0.1)", "-0.1", "the radius must be a number >= 0, got -0.1"),
    ("tl.ball([0.0], eps=math.nan)", "math.nan", "the radius must be a number >= 0, got nan"),
    ("tl.ball([0.0], 'big')", "'big'", "the radius must be a number, got 'big'"),
    ("tl.ball([0.0], 0.1, clip=(1, 0))", "(1, 0)", "clip=(1.0, 0.0) is empty"),
    ("tl.ball([0.0], 0.1, clip=1)", "1", "clip must be two numbers (lo, hi), got 1"),
    ("tl.ball([5.0], 0.1, clip=(0, 1))", "tl.ball([5.0], 0.1, clip=(0, 1))", "empty: the lower end"),
    ("tl.ball([0.0, math.nan], 0.1)", "[0.0, math.nan]", "NaN"),
]


@pytest.mark.parametrize(("domain", "place", "words"), BAD)
def test_a_bad_domain_is_reported_at_the_argument_that_is_wrong(domain: str, place: str, words: str) -> None:
    capture, said = follow(claim(domain))
    assert capture.units[0].failure == "there is no usable domain for `x`"
    assert [(code, where) for code, where, _ in said] == [("TL304", place)]
    assert words in said[0][2]


@pytest.mark.parametrize(
    ("program", "place", "words"),
    [
        (
            "@tl.claim(y=tl.box(0.0, 1.0))\ndef c(x=1):\n    return x <= 1.0\n",
            "y=tl.box(0.0, 1.0)",
            "has no argument `y`",
        ),
        (
            "@tl.claim(x=tl.box(0.0, 1.0))\ndef c(x, z):\n    return x <= z\n",
            "z",
            "argument `z` of `c` has no domain",
        ),
        ("@tl.claim(x=3.0)\ndef c(x):\n    return x <= 1.0\n", "3.0", "`x` needs a domain, `tl.box(lo, hi)`"),
        ("@tl.claim()\ndef c():\n    return True\n", "c", "takes no argument"),
    ],
)
def test_domains_that_do_not_fit_the_function_are_reported_at_their_place(
    program: str, place: str, words: str
) -> None:
    _, said = follow(program)
    assert ("TL304", place) in [(code, where) for code, where, _ in said]
    assert any(words in message for _, _, message in said)


def test_a_domain_without_its_argument_name_is_explained() -> None:
    _, said = follow("@tl.claim(tl.box(0.0, 1.0))\ndef c(x):\n    return x <= 1.0\n")
    ((code, place, message),) = said
    assert (code, place) == ("TL304", "tl.claim(tl.box(0.0, 1.0))")
    assert "by the names of the function's arguments" in message


def test_a_decorator_that_is_not_called_is_explained() -> None:
    _, said = follow("@tl.claim\ndef c(x):\n    return x <= 1.0\n")
    assert [code for code, _, _ in said] == ["TL304"]


@pytest.mark.parametrize(
    "body",
    [
        "x <= 1.0",
        "(x <= 1.0) & (x >= -1.0)",
        "(x > 2.0) | ~(x < 0.5)",
        "(x <= 1.0).all()",
        "(x <= 1.0).any()",
        "torch.stack([x, -x]).flatten().argmax(-1) == 0",
        "True",
        "torch.all(x <= x + 1.0)",
    ],
)
def test_a_claim_returns_a_comparison(body: str) -> None:
    capture, said = follow(claim("tl.box(-1.0, 1.0)", body))
    assert said == []
    (unit,) = capture.units
    assert unit.kind is UnitKind.CLAIM
    assert unit.failure is None
    assert capture.graph[unit.outputs[0]].type.dtype is torch.bool


@pytest.mark.parametrize("body", ["x", "x * 2.0", "(x <= 1.0, x >= 0.0)", "None", "'yes'"])
def test_a_claim_that_returns_something_else_has_no_result_and_says_why(body: str) -> None:
    capture, said = follow(claim("tl.box(-1.0, 1.0)", body))
    (unit,) = capture.units
    assert unit.outputs == ()
    assert "a claim returns a comparison" in str(unit.failure)
    assert said == []


def test_a_claim_stays_an_ordinary_function() -> None:
    capture, said = follow(claim("tl.box(-1.0, 1.0)") + "y = c(torch.zeros(2))\nc.sample(100)\n")
    assert said == []
    assert [unit.name for unit in capture.units if unit.kind is UnitKind.CLAIM] == ["c"]


def test_domains_can_be_computed_and_shared() -> None:
    capture, said = follow(
        """
        LIMIT = 2 * 0.5
        region = tl.box([-LIMIT] * 2, [LIMIT] * 2)

        @tl.claim(x=region, y=region)
        def c(x, y):
            return (x - y).abs() <= 2 * LIMIT
        """
    )
    assert said == []
    assert {name: box.shape for name, box in capture.units[0].domains.items()} == {"x": (2,), "y": (2,)}
