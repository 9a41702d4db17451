"""Every mistake is reported where it is. The sources are marked: under a line, `;   ^^^ CODE words of the message`.

The marks are comments of the language itself, so the marked text is the file.
"""

import re

import pytest

from torchlean.vnnlib import parse

DECLARED = "(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real)\n"
BOUNDED = DECLARED + "(assert (and (<= 0 X_0 1) (<= 0 X_1 1)))\n"

MARK = re.compile(r"; *(\^+) (TL\d+) (.*)")

SOURCES = {
    "a parenthesis missing before the next command": DECLARED
    + """
(assert (<= X_0 1)
;                ^ TL120 `)` is missing before this `assert`
(assert (>= X_9 0))
;           ^^^ TL121 `X_9` is not declared: the inputs are X_0 to X_1
""",
    "parentheses missing at the end": DECLARED
    + """
(assert (or (<= X_0 1) (and (>= Y_0 0)
;                                    ^ TL120 3 `)` are missing before the end of the file
""",
    "a parenthesis too many": BOUNDED
    + """
(assert (<= Y_0 1)))
;                  ^ TL120 `)` closes nothing
""",
    "several mistakes in one file": BOUNDED
    + """
(assert (<= Y_1 1))
;           ^^^ TL121 `Y_1` is not declared: the outputs are Y_0 to Y_0
(assert (>= Y_0 (* X_0 X_1)))
;               ^^^^^^^^^^^ TL121 the product of two expressions with variables is not linear
(assert (not (<= Y_0 1) (<= Y_0 2)))
;        ^^^ TL120 `not` takes one condition, got 2
(asert (<= Y_0 1))
;^^^^^ TL120 did you mean `assert`?
(assert (< = Y_0 1))
;          ^ TL121 `=` is not declared
""",
    "numbers that are none": BOUNDED
    + """
(assert (<= Y_0 NaN))
;               ^^^ TL121 `NaN` is no number
(assert (<= Y_0 -inf))
;               ^^^^ TL121 `-inf` is no number
(assert (<= Y_0 1.2.3))
;               ^^^^^ TL121 `1.2.3` is not declared
(assert (<= Y_0 1e99999999999))
;               ^^^^^^^^^^^^^ TL121 numbers of more than 2,000 digits, or with such exponents
""",
    "operands of the wrong kind": BOUNDED
    + """
(assert (<= Y_0 (<= X_0 1)))
;               ^^^^^^^^^^ TL121 expected a number, a variable or arithmetic, got a condition
(assert (and Y_0))
;            ^^^ TL121 expected a condition such as `(<= X_0 1.0)`, got `Y_0`
(assert (+ Y_0 1))
;       ^^^^^^^^^ TL121 expected a condition such as `(<= X_0 1.0)`, got an arithmetic expression
(assert (<= Y_0))
;        ^^ TL120 `<=` takes two or more operands, got 1
(assert (!= Y_0 1 2))
;        ^^ TL120 `!=` takes two operands, got 3
(assert (<= (/ Y_0 0) 1))
;           ^^^^^^^^^ TL121 division by zero
(assert (<= (/ 1 Y_0) 1))
;           ^^^^^^^^^ TL121 division by an expression with variables is not linear
(assert (<= (+) 1))
;            ^ TL120 `+` needs operands
(assert (ite (<= Y_0 1) true))
;        ^^^ TL120 `ite` takes three conditions, got 2
(assert ((<= Y_0 1)))
;        ^^^^^^^^^^ TL120 expected an operator after `(`, got a condition
(assert ())
;       ^^ TL121 expected a condition such as `(<= X_0 1.0)`, got `()`
(assert (implies (<= Y_0 1) true))
;        ^^^^^^^ TL121 `implies` is no operator
""",
    "what SMT-LIB has and VNN-LIB has not": BOUNDED
    + """
(assert (<= (max Y_0 X_0) 1))
;            ^^^ TL121 `max` is not linear; write both cases with `or`
 (define-fun f 1.0)
;^^^^^^^^^^^^^^^^^^ TL121 `define-fun` is not part of VNN-LIB
(set-logic QF_LRA) (check-sat) (get-model) (exit)
 (declare-fun g Real Real)
;^^^^^^^^^^^^^^^^^^^^^^^^^ TL121 functions with arguments are not part of VNN-LIB
(declare-fun Y_0 () Real)
;            ^^^ TL121 `Y_0` is declared twice
""",
    "declarations": """
(declare-const X_0 Real) (declare-const X_0 Real)
;                                       ^^^ TL121 `X_0` is declared twice
(declare-const X_2 Int)
;                  ^^^ TL121 `Int` is no sort of VNN-LIB 1.0
(declare-const Z Bool)
;              ^ TL121 `Z` is neither an input nor an output
;                ^^^^ TL121 `Bool` is no sort
(declare-const Y_01 Real)
;              ^^^^ TL121 `Y_01` is neither an input nor an output
(declare-const Y_0 Real)
""",
    "numbers with a gap": """
(declare-const Y_0 Real) (declare-const X_0 Real) (declare-const X_2 Real)
;                                                                ^^^ TL121 `X_2` is declared but `X_1` is not
""",
    "strangers between the commands": BOUNDED
    + """
 hello world (assert (<= Y_0 1)) 3.0
;^^^^^ TL120 expected `(` and a command such as `assert`, got `hello`
;                                ^^^ TL120 expected `(` and a command such as `assert`, got `3.0`
 ()
;^^ TL120 expected a command such as `assert`, got `()`
 (declare-input X float32 [1])
; ^^^^^^^^^^^^^ TL120 `declare-input` stands inside `(declare-network …)`
""",
    "contradicting bounds": DECLARED
    + """
(assert (<= 0 X_1 1))
(assert (>= X_0 0.5))
(assert (<= X_0 0.25))
;       ^^^^^^^^^^^^^ TL122 empty: nothing to check. `X_0` must be at least 0.5 and at most 0.25
(assert (<= Y_0 0))
""",
    "bounds that touch where one is strict": DECLARED
    + """
(assert (<= 0 X_1 1))
(assert (>= X_0 0.5))
(assert (< X_0 0.5))
;       ^^^^^^^^^^^ TL122 empty: nothing to check. `X_0` must be at least 0.5 and less than 0.5
(assert (<= Y_0 0))
""",
    "one empty alternative of two": DECLARED
    + """
(assert (<= 0 X_1 1))
(assert (or (and (<= 0 X_0 1) (<= Y_0 0))
            (and (>= X_0 3) (<= X_0 2) (<= Y_0 0))))
;                           ^^^^^^^^^^ TL122 empty: nothing to check. `X_0` must be at least 3 and at most 2
""",
    "a bound that says nothing new": BOUNDED
    + """
(assert (<= X_0 2.0))
;       ^^^^^^^^^^^^ TL122 `X_0` has two upper bounds; 1 is the one that counts
(assert (<= Y_0 0))
""",
    "an assertion that never holds": BOUNDED
    + """
 (assert (or (< 1 0) (and false (<= Y_0 1))))
;^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ TL122 empty: nothing to check. This assertion never holds
""",
    "version 2.0": """
(vnnlib-version <2.0>)
(declare-network f
    (declare-input X float32 [1,2])
    (declare-output Y float32 [1])
)
(assert (<= X[0,2] 1.0))
;           ^^^^^^ TL121 `X[0,2]` is outside of `X`, whose shape is [1,2]
(assert (<= X[0] 1.0))
;           ^^^^ TL121 `X[0]` is outside of `X`, whose shape is [1,2]
(assert (<= X 1.0))
;           ^ TL121 `X` has the shape [1,2]: name one element of it, such as `X[0,0]`
(assert (<= X[0,a] 1.0))
;            ^^^^^ TL120 expected whole numbers between commas
(assert (<= Z[0] 1.0))
;           ^^^^ TL121 `Z` is not declared
(assert (<= Y[0 1.0))
;            ^ TL120 `[` is not closed by `]`
(declare-const X_0 Real)
;              ^^^ TL121 with `declare-const` or with `declare-network`, not with both
""",
    "networks of version 2.0 that are not supported": """
(vnnlib-version <2.0>)
(declare-network f
    (declare-input X float32 [2] initialized)
;                                ^^^^^^^^^^^ TL121 keep the model's initial value are not supported
    (declare-input Z int8 [2])
;                    ^^^^ TL121 tensors of `int8` are not supported
    (declare-input W flaot32 [2])
;                    ^^^^^^^ TL121 `flaot32` is no element type
    (declare-input V float32 [0])
;                    ^^^^^^^^^^^ TL121 the shape [0] has no elements
    (declare-hidden H float32 [1] "relu_3")
;   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ TL121 hidden nodes are not supported
    (declare-output Y float32 [1])
)
(declare-network g (equal-to f))
;                ^ TL121 this file declares several networks; only one is supported
""",
    "a relation to another network": """
(declare-network g (isomorphic-to f)
;                  ^^^^^^^^^^^^^^^^^ TL121 `isomorphic-to` relates several networks
    (declare-input X real [1]) (declare-output Y real []))
""",
    "an unknown version": """
(vnnlib-version <3.0>)
;               ^^^^^ TL121 version 3.0 of VNN-LIB is not known
(declare-network f (declare-input X real [1]) (declare-output Y real []))
""",
}


def marks(text: str) -> list[tuple[int, int, int, str, str]]:
    """(line, first column, last column, code, words) of every mark; it speaks of the last unmarked line above."""
    found, line = [], 0
    for number, content in enumerate(text.split("\n")):
        match = MARK.fullmatch(content)
        if match is None:
            line = number
        else:
            found.append((line, match.start(1), match.end(1), match[2], match[3]))
    return sorted(found)


@pytest.mark.parametrize("text", SOURCES.values(), ids=SOURCES)
def test_mistakes_are_reported_where_the_marks_are(text) -> None:
    reported = [d for d in parse(text).diagnostics if "bound: about an unbounded" not in d.message]
    shown = [(d.span.line, d.span.column, d.span.end_column, d.code) for d in reported]
    assert shown == [mark[:4] for mark in marks(text)], [d.message for d in reported]
    for diagnostic, mark in zip(reported, marks(text), strict=True):
        assert mark[4] in diagnostic.message


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_editors_end_them(end) -> None:
    lines = [
        "; \u2028 no line ends here",
        "(declare-const X_0 Real)",
        "",
        "(assert (<= 𝒳 1)) (assert (<= X_1 1))",
    ]
    text = "\n".join(lines)
    *_, first, last = parse(text.replace("\n", end)).diagnostics
    assert (first.span.line, first.span.column, first.span.end_column) == (3, 12, 13)
    assert (last.span.line, last.span.column) == (3, 30)


def test_related_places_show_the_other_half_of_a_problem() -> None:
    (found,) = parse(BOUNDED + "(declare-const X_1 Real)").diagnostics[:1]
    ((related),) = found.related
    assert (related.span.line, related.span.column, related.message) == (0, 40, "the first declaration")


def test_a_file_of_another_kind_gives_few_problems() -> None:
    document = parse("import torch\n" * 10 + "x = f(y)\n" * 10_000)
    assert document.property is None
    assert len(document.diagnostics) == 101
    assert "more than 100 problems" in max(document.diagnostics, key=lambda d: d.span.line).message
