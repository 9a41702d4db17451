"""Result files: what is written reads back exactly, and nobody ever sees half of one."""

import os
import re
import struct
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torchlean.vnnlib import witness
from torchlean.vnnlib.witness import Result, WitnessError

binary32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


def read_as_binary32(decimal: str) -> float:
    """A decimal rounded once to binary32, by exact search among the neighbours of the double rounding."""
    exact = Fraction(decimal)
    (bits,) = struct.unpack("<i", struct.pack("<f", float(decimal)))
    near = [struct.unpack("<f", struct.pack("<i", bits + step))[0] for step in (-1, 0, 1) if bits + step >= 0]
    return min((n for n in near if n == n and abs(n) != float("inf")), key=lambda n: abs(Fraction(n) - exact))


@given(st.lists(binary32, min_size=1, max_size=5), st.lists(binary32, max_size=5))
def test_numbers_come_back_exactly(x, y) -> None:
    assert witness.parse(witness.text("sat", x, y)) == Result(
        "sat", tuple(map(Fraction, x)), tuple(map(Fraction, y))
    )


@given(st.floats(min_value=0, width=32, allow_infinity=False))
def test_a_reader_that_rounds_once_to_binary32_gets_the_same_number(value) -> None:
    decimal = witness.text("sat", [value]).split()[-1].rstrip(")")
    assert read_as_binary32(decimal) == value


def test_fractions_are_written_out_or_to_more_digits_than_any_float_has() -> None:
    x = [Fraction(679857769, 10**9), Fraction(-1, 3), Fraction(7)]
    read = witness.parse(witness.text("sat", x)).x
    assert (read[0], read[2]) == (x[0], x[2])
    assert abs(read[1] - x[1]) < Fraction(1, 10**1000) and float(read[1]) == float(x[1])


def test_the_file_has_the_competitions_form() -> None:
    assert (
        witness.text("sat", [0.5, -(2.0**-27)], [2.0])
        == "sat\n((X_0 0.5)\n(X_1 -7.450580596923828125E-9)\n(Y_0 2))\n"
    )
    assert witness.text("unsat") == "unsat\n"


def test_the_competitions_own_way_of_reading_finds_the_numbers() -> None:
    # Its checker joins the lines, strips the outer parentheses and splits at `)` and at the space.
    content = witness.text("sat", [0.125, 2.0], [-3.0]).removeprefix("sat\n").replace("\n", " ").strip()
    assert (content[0], content[-1]) == ("(", ")")
    pairs = [part.strip().lstrip("(").split(" ") for part in content[1:-1].split(")") if part.strip()]
    assert pairs == [["X_0", "0.125"], ["X_1", "2"], ["Y_0", "-3"]]


@pytest.mark.parametrize("x", [[float("nan")], [1.0, float("inf")]])
def test_numbers_that_are_not_finite_are_refused(x) -> None:
    with pytest.raises(ValueError, match="finite"):
        witness.text("sat", x)


@pytest.mark.parametrize(("verdict", "x"), [("sat", []), ("unsat", [1.0]), ("maybe", [])])
def test_a_verdict_and_its_witness_belong_together(verdict, x) -> None:
    with pytest.raises(ValueError):
        witness.text(verdict, x)


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch) -> None:
    file = tmp_path / "result.txt"
    witness.write(str(file), "unsat")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        witness.write(str(file), "sat", [1.0], [2.0])
    assert file.read_text() == "unsat\n"
    assert list(tmp_path.iterdir()) == [file]


def test_writing_through_a_link_replaces_what_it_leads_to(tmp_path) -> None:
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("old")
    link.symlink_to(real)
    witness.write(str(link), "timeout")
    assert link.is_symlink() and real.read_text() == "timeout\n"


def test_a_result_can_be_written_to_a_pipe(tmp_path) -> None:
    witness.write("/dev/null", "unknown")
    assert not Path("/dev/null").is_file()


def test_witnesses_of_the_first_years_have_no_verdict_in_front() -> None:
    assert witness.parse("((X_0 1)\n (X_1 -2.5e-1)\n (Y_0 0.0))") == Result(
        "sat", (Fraction(1), Fraction(-1, 4)), (Fraction(0),)
    )


MALFORMED = {
    "": "the file is empty",
    "perhaps": "expected one of sat",
    "sat (X_0 1)": "expected `)` and the end, got 'X_0'",
    "sat ((X_0 1)": "expected `)` and the end, got 'the end'",
    "sat ((X_0 1)))": "expected `)` and the end",
    "sat\n((X_0 one))": "line 2: expected a decimal number, got 'one'",
    "sat ((X_0 1) (X_0 2))": "expected each name once",
    "sat ((X_1 1))": "X_0 is missing",
    "sat ((Z_0 1))": "expected a pair",
    "unsat ((X_0 1))": "unsat has no witness",
    "sat ((X_0 1e999999))": "expected a decimal number",
}


@pytest.mark.parametrize(("content", "message"), MALFORMED.items())
def test_malformed_files_are_refused_with_the_reason(content, message) -> None:
    with pytest.raises(WitnessError, match=re.escape(message)):
        witness.parse(content)


def test_a_file_is_read_from_disk(tmp_path) -> None:
    file = tmp_path / "result.txt"
    witness.write(str(file), "sat", [0.25], [])
    assert witness.read(str(file)) == Result("sat", (Fraction(1, 4),), ())
