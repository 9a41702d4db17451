"""Programs run in the sandbox beside their graphs: those that agree, those that do not, and what happens on the way.

Every process imports torch, which takes seconds: one run serves several tests, and modes that compile are tried once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from torchlean.analysis.session import Session
from torchlean.conformance import NothingToCompare, Options, Outcome, UnitAgreement, conform, partings_at
from torchlean.conformance.telling import as_test, diagnostics
from torchlean.explain import explain
from torchlean.ops import OPS
from torchlean.sandbox import Limits

pytestmark = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="the sandbox needs fork(2)")

NET = """
import torch
from torch import nn
import torchlean as tl

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 8)
        self.fc2 = nn.Linear(8, 1)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))

net = Net()

@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def is_small(x):
    y = net(x)
    return (4.0 >= y.abs()) & tl.implies(x[0] > 0, y < 7)

@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def is_smooth(x):
    return tl.D(net(x), x).abs() <= 50.0
"""


def compared(
    folder: Path,
    program: str,
    *,
    modes: tuple[str, ...] = ("eager",),
    samples: int = 40,
    seconds: float = 120.0,
) -> list[UnitAgreement]:
    file = folder / "program.py"
    file.write_text(program, encoding="utf-8")
    options = Options(samples=samples, modes=modes, limits=Limits(seconds=seconds))
    return conform(str(file), program, Session((str(folder),)), options)


@pytest.fixture
def doubled_relu() -> Iterator[None]:
    """A mistake in the evaluation of an op: the graph is not what the program does."""
    relu = type(OPS["relu"])
    right = relu.evaluate
    relu.evaluate = lambda self, inputs, attributes: 2 * right(self, inputs, attributes)
    yield
    relu.evaluate = right


def test_a_program_agrees_with_its_graph_with_the_weights_that_it_draws(tmp_path: Path) -> None:
    small, smooth = compared(tmp_path, NET, modes=("eager", "threads", "float64", "channels last"))
    assert small.agrees, small
    outcomes = {row.mode: row.outcome for row in small.modes}
    assert outcomes == {
        "eager": Outcome.AGREES,
        "threads": Outcome.AGREES,
        "float64": Outcome.AGREES,
        "channels last": Outcome.SKIPPED,
        "graph": Outcome.AGREES,
        "binary32": Outcome.AGREES,
    }
    eager = small.modes[0]
    assert eager.inputs == 40 and 0.0 < eager.fraction <= 1.0 and 0.0 < eager.difference < 1e-5
    # Autograd computes derivatives by formulas of its own, of which no rounding error is known.
    assert (smooth.modes[0].outcome, smooth.agrees, smooth.sound) == (Outcome.UNBOUNDED, False, True)
    assert 0.0 < smooth.modes[0].difference < 1e-4


def test_a_wrong_op_is_found_and_the_parting_is_that_op(tmp_path: Path, doubled_relu: None) -> None:
    small, _ = compared(tmp_path, NET)
    assert not small.agrees
    (parting,) = (each for each in small.partings if each.mode == "eager")
    assert (parting.op, parting.located) == ("relu", True)
    assert parting.span is not None and "torch.relu(self.fc1(x))" in NET.splitlines()[parting.span.line]
    (found, *_) = diagnostics(small)
    assert found.code == "TL114" and "part from op `relu` on" in found.message


@pytest.mark.slow
def test_the_printed_test_fails_as_long_as_they_part_and_passes_after(
    tmp_path: Path, doubled_relu: None
) -> None:
    small, _ = compared(tmp_path, NET)
    text = as_test(small, small.partings[0], tmp_path / "program.py")
    names: dict[str, object] = {"__file__": str(tmp_path / "test_program.py")}
    exec(text, names)
    (function,) = (value for name, value in names.items() if name.startswith("test_"))
    assert callable(function)
    with pytest.raises(AssertionError):
        function()
    type(OPS["relu"]).evaluate = lambda self, inputs, attributes: torch.relu(*inputs)
    function()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("patch", "op"),
    [
        ('torch.__dict__["relu"] = torch.sigmoid', "relu"),
        ('torch.__dict__["relu"] = lambda x: torch.clamp(x * (1 + 2**-14), min=0)', "relu"),
        (
            'nn.Linear.__dict__["forward"].__globals__["F"].__dict__["linear"] = lambda x, w, b: x @ w.T',
            "linear",
        ),
    ],
    ids=["another function", "a little more", "without its bias"],
)
def test_a_program_that_changes_torch_behind_its_source_is_found(tmp_path: Path, patch: str, op: str) -> None:
    small, _ = compared(tmp_path, NET.replace("net = Net()", f"net = Net()\n{patch}"))
    assert [(each.mode, each.op) for each in small.partings] == [("eager", op)]


@pytest.mark.slow
def test_the_page_of_the_code_has_an_example_that_shows_it(tmp_path: Path) -> None:
    page = explain("TL114")
    (unit,) = compared(tmp_path, page.split("```python\n")[1].split("```")[0])
    (found,) = diagnostics(unit)
    shown = f"model.py:{found.span.line + 1}: {found.message}"
    assert shown == " ".join(page.split("```text\n")[1].split("```")[0].split())


@pytest.mark.slow
def test_logic_that_the_program_joins_otherwise_is_found(tmp_path: Path) -> None:
    program = """
import torchlean as tl

tl.__dict__["implies"] = lambda a, b: ~a & b

@tl.claim(x=tl.box([-1.0], [1.0]))
def has_a_sign(x):
    return tl.implies(x[0] > 0, x[0] > -1)
"""
    (unit,) = compared(tmp_path, program)
    assert not unit.agrees
    assert unit.modes[0].reason == "the claim's result differs"


@pytest.mark.slow
def test_a_module_that_states_no_claim_is_compared_on_a_range_that_is_told(tmp_path: Path) -> None:
    program = NET.split("@tl.claim")[0]
    (unit,) = compared(tmp_path, program)
    assert (unit.kind, unit.name, unit.agrees) == ("module", "Net", True)
    assert unit.drawn == "x in [-3, 3] (no range is stated for x)"


@pytest.mark.slow
def test_results_whose_channels_are_last_in_memory_are_compared_like_others(tmp_path: Path) -> None:
    program = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3)

    def forward(self, x):
        return self.conv(x)

Net()(torch.zeros(1, 2, 6, 5))
"""
    (unit,) = compared(tmp_path, program, modes=("channels last",))
    assert unit.modes[0].outcome is Outcome.AGREES, unit


@pytest.mark.slow
def test_where_a_domain_is_too_large_for_a_bound_each_input_has_its_own(tmp_path: Path) -> None:
    program = """
import torch
import torchlean as tl

@tl.claim(x=tl.box([-1e30, -1e30], [1e30, 1e30]))
def is_finite(x):
    return torch.exp(x).sum() < 1e38
"""
    (unit,) = compared(tmp_path, program)
    eager = unit.modes[0]
    assert eager.outcome is Outcome.AGREES and eager.reason.startswith("a bound is known at ")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import ctypes; ctypes.string_at(0)", "it crashed with SIGSEGV while importing program.py"),
        ("raise RuntimeError('no licence')", "it raised RuntimeError: no licence while importing program.py"),
        ("import sys; sys.exit(2)", "it ended the process with exit code 2 while importing program.py"),
    ],
)
def test_a_file_that_cannot_be_imported_says_why(tmp_path: Path, code: str, told: str) -> None:
    (unit, *_) = compared(tmp_path, f"{NET}\n{code}\n")
    assert unit.failure == told and not unit.agrees


@pytest.mark.slow
def test_a_unit_that_hangs_leaves_the_others_compared(tmp_path: Path) -> None:
    program = NET.replace(
        "@tl.claim",
        "@tl.claim(y=tl.box([0.0], [1.0]))\ndef hangs(y):\n    spin()\n    return y <= 1.0\n\n@tl.claim",
        1,
    )
    program = program.replace(
        "net = Net()", "net = Net()\n\ndef spin():\n    while __name__ == 'program':\n        pass\n"
    )
    units = {unit.name: unit for unit in compared(tmp_path, program, seconds=20.0)}
    assert units["is_small"].agrees
    assert not units["hangs"].agrees
    told = units["hangs"].failure or units["hangs"].modes[0].reason
    assert "ran out of time" in told or "not captured" in told


@pytest.mark.slow
def test_what_the_program_does_beside_computing_is_told(tmp_path: Path) -> None:
    units = compared(tmp_path, NET + "\nprint('hello')\n")
    assert "it printed 6 bytes, first 'hello'" in units[0].remarks


def test_a_name_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(NET, encoding="utf-8")
    with pytest.raises(
        NothingToCompare, match="there is no claim or module `is_smal`; the file has `is_small`"
    ):
        partings_at(file, "is_smal", {"x": torch.zeros(2)}, "eager")


@pytest.mark.slow
def test_compiled_exported_and_onnx_programs_agree_too(tmp_path: Path) -> None:
    small, _ = compared(tmp_path, NET, modes=("compiled", "exported", "onnx"), seconds=300.0)
    outcomes = {row.mode: (row.outcome, row.reason) for row in small.modes[:3]}
    assert {outcome for outcome, _ in outcomes.values()} == {Outcome.AGREES}, outcomes
    assert all(math.isfinite(row.fraction) and row.fraction <= 1.0 for row in small.modes[:3])


@pytest.mark.slow
def test_a_compiled_program_that_prints_agrees_too(tmp_path: Path) -> None:
    """Where the compiler gives up in the middle of a call, the rest goes on in functions of the compiler's own."""
    printing = NET.replace("        return self.fc2", "        print(x.sum())\n        return self.fc2")
    small, _ = compared(tmp_path, printing, modes=("compiled",), samples=10, seconds=300.0)
    (compiled,) = (row for row in small.modes if row.mode == "compiled")
    assert (compiled.outcome, compiled.reason) == (Outcome.AGREES, "")
