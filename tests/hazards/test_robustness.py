"""Files as they are while somebody types: examinations of broken and odd programs end with an answer."""

from pathlib import Path

import pytest
from tests.hazards.expressions import HEADER, hazards, unknown

from torchlean.analysis import Session, analyse
from torchlean.hazards import Written, examine_shapeless

PROGRAMS = sorted((Path(__file__).parent / "programs" / "hazardous").glob("*.py"))


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_that_is_cut_off_anywhere_is_read_without_shapes(program) -> None:
    text = program.read_text(encoding="utf-8")
    for end in range(0, len(text), 97):  # a prime: cuts fall on every kind of place
        examine_shapeless(Written(str(program), text[:end]), (), ())


@pytest.mark.parametrize("program", PROGRAMS[::9], ids=lambda path: path.stem)
def test_a_program_that_is_cut_off_anywhere_is_analysed(program) -> None:
    text = program.read_text(encoding="utf-8")
    session = Session()
    session.method = "ibp"
    for end in range(len(text) // 2, len(text), 211):
        analyse(str(program), text[:end], session)


@pytest.mark.parametrize(
    "expression",
    [
        "torch.zeros(0).log()",
        "torch.zeros(0, 3) / torch.zeros(0, 3)",
        "torch.zeros(3, 0).sum(1).sqrt()",
        "torch.tensor(float('nan')).exp() / 0",
        "torch.tensor([1j, 2j]).exp()",
        "torch.tensor([1, 2]) ** torch.tensor([0, 1])",
        "torch.tensor([True]) / torch.tensor([False])",
        "torch.arange(5) / torch.arange(5)",
        "torch.rand(2, 3, dtype=torch.float64).log() - torch.rand(3).half()",
        "torch.rand(3).bfloat16().exp().log1p()",
        "torch.tensor(float('inf')) - torch.tensor(float('inf'))",
        "torch.full((2,), -float('inf')).softmax(0)",
        "(torch.rand(3) > 0) + (torch.rand(3) > 1)",
        "torch.rand(5).sum().std() + torch.rand(5).sum().var(unbiased=False)",
        "torch.zeros(0).norm() + torch.zeros(2, 0).norm(dim=1).sum() + torch.zeros(0, 2).var(1).sum()",
    ],
)
def test_odd_tensors_do_no_harm(expression) -> None:
    hazards(f"{HEADER}y = {expression}\nz = 1 / y\n")


def test_tensors_without_elements_have_no_number_that_could_go_wrong() -> None:
    assert not hazards(f"{HEADER}y = torch.zeros(0).log()\n")


def test_columns_after_wide_characters_are_code_points() -> None:
    (found,) = hazards(unknown("s = '値 😀'; y = torch.log(x.abs())"))
    assert (found.span.column, found.span.end_column) == (23, 41)


def test_a_helper_in_another_file_is_judged_when_that_file_is(tmp_path) -> None:
    (tmp_path / "helper.py").write_text(
        "import torch\ndef f(x):\n    return torch.log(x)\n", encoding="utf-8"
    )
    text = "import torch\nfrom helper import f\ny = f(torch.rand(3))\n"
    assert [d.code for d in analyse(str(tmp_path / "main.py"), text, Session()).diagnostics] == []
