"""What is said of property files without their network: words for variables and conditions, outline, places."""

from __future__ import annotations

import random

import pytest

from torchlean.analysis import wire
from torchlean.analysis.properties import read
from torchlean.analysis.result import FileAnalysis

DECLARED = "(declare-const X_0 Real)\n(declare-const X_1 Real)\n(declare-const Y_0 Real)\n"

WORDS = {
    "(<= Y_0 (- (* 2 X_0) 0.5))": "Y_0 + 0.5 ≤ 2·X_0",
    "(> Y_0 X_1)": "X_1 < Y_0",
    "(>= Y_0 1e-8)": "Y_0 ≥ 1e-8",
    "(>= (/ Y_0 3) X_0)": "X_0 ≤ 1/3·Y_0",
    "(not (or (<= Y_0 1) (and (< X_0 0.1) (>= X_1 0))))": "Y_0 > 1 and (X_0 ≥ 0.1 or X_1 < 0)",
    "(=> (<= Y_0 1) (>= X_0 12345678901234567890.5))": "Y_0 > 1 or X_0 ≥ 12345678901234567890.5",
    "(or (<= Y_0 0.0000000000000000000000000001) false)": "Y_0 ≤ 1e-28 or false",
}


def analysis(text: str) -> FileAnalysis:
    return read("/project/a.vnnlib", text)


@pytest.mark.parametrize(("condition", "words"), WORDS.items())
def test_conditions_are_said_exactly(condition, words) -> None:
    notes = analysis(f"{DECLARED}(assert {condition})\n").notes
    assert f"`{words}`" in notes[0].markdown


def test_each_condition_inside_an_assertion_has_its_own_place() -> None:
    notes = analysis(DECLARED + "(assert (or (<= Y_0 1)\n    (>= Y_0 3)))\n").notes
    assert [(note.span.line, note.span.column, note.markdown) for note in notes[1:]] == [
        (3, 12, "`Y_0 ≤ 1`"),
        (4, 4, "`Y_0 ≥ 3`"),
    ]


@pytest.mark.parametrize("word", ["xor", "=", "ite false"])
def test_conditions_that_an_assertion_shares_are_described_once(word) -> None:
    """There are 2^90 ways from the assertion to the innermost one; the editor waits for this."""
    conditions = [f"(>= Y_0 {n})" for n in range(90)]
    nested = "".join(f"({word} {condition} " for condition in conditions) + "(<= X_0 1)" + ")" * 90
    notes = analysis(f"{DECLARED}(assert {nested})\n").notes
    assert {note.markdown for note in notes[1:]} == {*(f"`Y_0 ≥ {n}`" for n in range(90)), "`X_0 ≤ 1`"}
    assert len(notes) == 92


def test_a_variable_has_one_range_per_region() -> None:
    found = analysis(DECLARED + "(assert (<= 0 X_1 1)) (assert (or (<= 0 X_0 1) (<= 2 X_0 2.5)))")
    assert "`X_0 ∈ [0, 1]`  \n`X_0 ∈ [2, 2.5]`" in found.words["X_0"]
    assert found.words["X_1"].count("∈") == 1
    assert [symbol.name for symbol in found.symbols] == ["inputs (2)", "outputs (1)", "region 1", "region 2"]


def test_an_end_that_is_missing_is_infinite() -> None:
    assert "`X_0 ∈ (-∞, 1]`" in analysis(DECLARED + "(assert (<= X_0 1))").words["X_0"]


def test_tensors_of_version_2_and_their_elements_have_words() -> None:
    found = analysis(
        """(vnnlib-version <2.0>) (declare-network f
        (declare-input A float32 [1,2]) (declare-input B float32 []) (declare-output Y real [2]))
        (assert (and (<= 0 A[0,0] 1) (<= -1 A[0,1] 1) (<= 0 B 0.25)))"""
    )
    assert "shape `[1,2]`: elements 0 to 1 of the inputs" in found.words["A"]
    assert "element 1 of the network's input" in found.words["A[0,1]"] and "[-1, 1]" in found.words["A[0,1]"]
    assert "element 2" in found.words["B"] and "[0, 0.25]" in found.words["B"]


HOSTILE = {
    "deep conjunctions": "(assert " + "(and (<= Y_0 1) " * 10_000 + "true" + ")" * 10_001,
    "deep sums": "(assert (<= " + "(+ 1 " * 10_000 + "X_0" + ")" * 10_000 + " 1))",
    "alternations": "(assert " + "(and (<= X_0 1) (or (<= X_0 2) " * 90 + "true" + "))" * 90 + ")",
    "wide": "(assert (or " + "(<= Y_0 1) " * 30_000 + "))",
    "gaps": "(declare-const X_9 Real)",
    "huge shape": "(declare-network f (declare-input A real [999999999999,999999999999]))",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_whatever_can_be_read_can_be_described(body) -> None:
    found = analysis(DECLARED + body)
    assert wire.decode(wire.encode(found)) == found
    assert len(found.notes) <= 20_000
    assert max((len(note.markdown) for note in found.notes), default=0) < 10_000


@pytest.mark.parametrize("seed", range(60))
def test_mutilated_files_can_be_described(seed) -> None:
    draw = random.Random(seed)
    text = DECLARED + "(assert (or (and (<= 0 X_0 1) (<= Y_0 (* 2 X_1))) (not (= X_1 0.5))))\n" * 3
    for _ in range(4):
        start = draw.randrange(len(text))
        text = (
            text[:start]
            + draw.choice(["", "(", ")", "[0]", "X_7", ";", "\n"])
            + text[start + draw.choice([0, 1, 9]) :]
        )
    assert analysis(text).path == "/project/a.vnnlib"


def test_the_command_line_counts_a_violated_property_as_a_failure(tmp_path) -> None:
    from click.testing import CliRunner
    from onnx import TensorProto, helper, save

    from torchlean.cli import main

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "net", ends[:1], ends[1:])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "a.onnx")
    declared = "; network: a.onnx\n(declare-const X_0 Real) (declare-const Y_0 Real)\n"
    text = declared + "(assert (<= 0 X_0 1)) (assert (>= Y_0 {}))"
    for bound, code, word in ((2, 0, "engine"), ("0.5", 1, "counterexample")):
        (tmp_path / "a.vnnlib").write_text(text.format(bound))
        result = CliRunner().invoke(main, ["check", str(tmp_path / "a.vnnlib")])
        assert (result.exit_code, word in result.output) == (code, True), result.output
