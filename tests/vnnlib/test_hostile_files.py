"""Nothing that a file contains makes the reader raise, hang, or be silent about a mistake."""

import gzip
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torchlean.vnnlib import VnnlibError, parse, parse_file
from torchlean.vnnlib.documents import MAX_CHARACTERS

GOOD = """; network: nets/a.onnx
(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real)
(assert (<= X_0 0.679857769)) (assert (>= X_0 -1.0e+3))
(assert (or (and (<= 0 X_1 1) (<= Y_0 (* 2.0 X_0))) (and (<= 2 X_1 3) (not (= Y_0 (- 0.5))))))
"""

NEW = """(vnnlib-version <2.0>)
(declare-network f (declare-input X float32 [1,2]) (declare-output Y Real []))
(assert (and (<= 0 X[0,0] 1) (<= 0 X[0,1] 1))) (assert (or (>= Y 1) (=> (< Y -1) (<= X[0,0] 0.5))))
"""

PIECES = [
    *"()[];|\"\\'#.,-+<>=!\x00\r\n\t 01eE",
    "X_0",
    "Y_0",
    "assert",
    "(or",
    "X[0,1]",
    "1e9999",
    "\u2028",
    "\ud800",
]


@pytest.mark.parametrize("seed", range(150))
@pytest.mark.parametrize("text", [GOOD, NEW], ids=["1.0", "2.0"])
def test_mutilated_files_are_read_to_a_result_or_an_error(text, seed) -> None:
    draw = random.Random(seed)
    for _ in range(draw.randint(1, 6)):
        start = draw.randrange(len(text))
        end = min(len(text), start + draw.choice([0, 1, 1, 5, 40]))
        text = text[:start] + draw.choice(["", *PIECES]) + text[end:]
    document = parse(text, "a.vnnlib")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for diagnostic in document.diagnostics:
        span = diagnostic.span
        assert (span.line, span.column) <= (span.end_line, span.end_column)
        assert span.end_line < len(lines) and span.end_column <= len(lines[span.end_line]) + 1
    assert (document.property is None) == bool(document.errors())


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40).map("".join))
def test_any_text_gives_a_document(text) -> None:
    document = parse(text)
    assert (document.property is None) == bool(document.errors())


DECLARED = "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (<= 0 X_0 1))"

DEEP = {
    "open parentheses": ("(" * 10_000, "10000 `)` are missing"),
    "closing parentheses": (")" * 10_000, "closes nothing"),
    "empty forms": ("(assert " + "(" * 10_000 + ")" * 10_001, "expected an operator after `(`, got `()`"),
    "alternating conditions": (
        "(assert " + "(and (or " * 5_000 + "(<= Y_0 1)" + " (<= Y_0 2)) (<= Y_0 3))" * 5_000 + ")",
        "nested deeper than 200",
    ),
}


@pytest.mark.parametrize(("body", "message"), DEEP.values(), ids=DEEP)
def test_deep_nesting_is_no_recursion(body, message) -> None:
    document = parse(DECLARED + body)
    assert document.property is None
    assert message in document.diagnostics[0].message


FINE = {
    "sums": "(assert (<= " + "(+ 1 " * 10_000 + "Y_0" + ")" * 10_000 + " 1))",
    "negations": "(assert " + "(not " * 10_000 + "(<= Y_0 -9999)" + ")" * 10_001,
    "conjunctions": "(assert " + "(and (<= Y_0 -9999) " * 10_000 + "true" + ")" * 10_001,
}


@pytest.mark.parametrize("body", FINE.values(), ids=FINE)
def test_what_is_deep_but_simple_is_understood(body) -> None:
    (region,) = parse(DECLARED + body).required().regions
    assert {constraint.bound for constraint in region.unsafe[0].constraints} == {-9999}


GROWING = {
    "products": "(assert (<= (* " + "1e1999 " * 10_000 + ") Y_0))",
    "sums of fractions": "(assert (<= (+ "
    + " ".join(f"(/ 1 {2 * n + 1})" for n in range(30_000))
    + ") Y_0))",
    "a long number": "(assert (<= Y_0 " + "1" * 1_000_000 + "))",
    "a huge exponent": "(assert (<= Y_0 1e999999999))",
    "alternatives": "(assert (and " + "(or (<= Y_0 1) (<= Y_0 X_0)) " * 2_000 + "))",
    "chained xor": "(assert (xor " + "(<= Y_0 1) " * 120 + "))",
}


@pytest.mark.parametrize("body", GROWING.values(), ids=GROWING)
def test_what_would_grow_without_end_is_refused(body) -> None:
    document = parse(DECLARED + body)
    assert document.property is None
    assert "supported" in document.diagnostics[0].message


DOUBLING = {
    "a chain": f"(xor {' '.join(f'(>= X_0 {n})' for n in range(90))})",
    "xor in xor": "".join(f"(xor (>= X_0 {n}) " for n in range(90)) + "true" + ")" * 90,
    "equal to what is equal": "".join(f"(= (>= X_0 {n}) " for n in range(90)) + "true" + ")" * 90,
}


@pytest.mark.parametrize("form", DOUBLING.values(), ids=DOUBLING)
def test_counts_whose_digits_double_with_each_level_are_not_computed(form) -> None:
    """No memory would hold how many alternatives these are; they are not nested too deep to be read."""
    (error,) = parse(f"{DECLARED}(assert {form})").errors()
    assert "the choices are more than 10^29 alternatives" in error.message


def test_a_disjunction_of_many_boxes_is_no_blow_up() -> None:
    boxes = " ".join(f"(and (<= {n} X_0 {n + 1}) (>= Y_0 {n}))" for n in range(20_000))
    prop = parse(f"(declare-const X_0 Real)(declare-const Y_0 Real)(assert (or {boxes}))").required()
    assert len(prop.regions) == 20_000


def test_a_file_beyond_the_limit_is_not_read() -> None:
    (found,) = parse("x" * (MAX_CHARACTERS + 1)).diagnostics
    assert found.code == "TL120" and "at most 50 are read" in found.message


def test_a_file_that_is_not_utf8_is_reported_at_its_first_bad_byte(tmp_path) -> None:
    file = tmp_path / "a.vnnlib"
    file.write_bytes("; größe\n; gr".encode() + b"\xf6\xdfe\n")
    (found,) = parse_file(str(file)).diagnostics
    assert (found.code, found.span.line, found.span.column) == ("TL120", 1, 4)
    assert "0xf6" in found.message


def test_compressed_files_are_read_and_damaged_ones_are_unreadable_files(tmp_path) -> None:
    file = tmp_path / "a.vnnlib.gz"
    file.write_bytes(gzip.compress(GOOD.encode()))
    assert parse_file(str(file)).property == parse(GOOD).property
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(OSError):
        parse_file(str(file))


def test_a_property_with_errors_is_not_to_be_had() -> None:
    with pytest.raises(VnnlibError, match=r"a\.vnnlib:1:61: `Z` is not declared \(and 1 more\)") as error:
        parse(DECLARED[:48] + "(assert (<= Z 1)) (foo)", "a.vnnlib").required()
    assert [d.code for d in error.value.diagnostics] == ["TL121", "TL120"]


VACUOUS = {
    "(assert (<= Y_0 1))": "`X_0` has no lower bound",
    "(assert (<= 0 X_0)) (assert (<= Y_0 1))": "`X_0` has no upper bound",
    "(assert (<= 0 X_0 1))": "the outputs are not constrained",
    "(assert (<= 0 X_0 1)) (assert (or (<= Y_0 0) (<= X_0 0.5)))": "one alternative leaves the outputs free",
    "(assert (and (or (<= X_0 1) (<= X_0 2)) (or (>= X_0 3) (>= X_0 4))))": "leaves an input",
}


@pytest.mark.parametrize(("body", "message"), VACUOUS.items())
def test_questions_without_content_are_warned_of(body, message) -> None:
    document = parse("(declare-const X_0 Real)(declare-const Y_0 Real)" + body)
    assert document.property is not None
    warnings = [d for d in document.diagnostics if message in d.message]
    assert [d.code for d in warnings] == ["TL122"]
