"""Regions say exactly what the assertions say: compared with direct evaluation of the text at rational points.

The evaluator here reads the text by itself (a dozen lines of recursion) and shares nothing with the reader.
"""

import operator
import re
from fractions import Fraction
from functools import reduce
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from torchlean.vnnlib import Property, parse

DECLARED = "".join(f"(declare-const {name} Real)\n" for name in ("X_0", "X_1", "Y_0", "Y_1"))

COMPARE = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}


def tree(text: str) -> list:
    """All forms of a text as nested lists of words."""
    stack: list[list] = [[]]
    for token in re.findall(r"[()]|[^\s()]+", text):
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(token)
    return stack[0]


def value(form, point: dict[str, Fraction]):
    """A number or a truth value."""
    if isinstance(form, str):
        if form in ("true", "false"):
            return form == "true"
        return point[form] if form in point else Fraction(form)
    op, *operands = form
    v = [value(operand, point) for operand in operands]
    if op in COMPARE:
        return all(COMPARE[op](a, b) for a, b in pairwise(v))
    if op == "ite":
        return v[1] if v[0] else v[2]
    if op == "=>":
        return not all(v[:-1]) or v[-1]
    if op == "-":
        return -v[0] if len(v) == 1 else v[0] - sum(v[1:])
    table = {"and": all, "or": any, "+": sum, "not": lambda v: not v[0], "xor": lambda v: sum(v) % 2 == 1}
    folds = {"*": operator.mul, "/": operator.truediv}
    return table[op](v) if op in table else reduce(folds[op], v)


def asserted(text: str, point: dict[str, Fraction]) -> bool:
    return all(value(form[1], point) for form in tree(text) if form[0] == "assert")


def found(prop: Property, point: dict[str, Fraction]) -> bool:
    x = [point[f"X_{i}"] for i in range(prop.inputs)]
    y = [point[f"Y_{j}"] for j in range(prop.outputs)]
    return prop.holds_at(x, y) is not None


NUMBERS = ["-1", "0", "1", "0.5", "-0.5", "5e-1", "1.0e0", "-10E-1", ".5", "2"]
VALUES = [Fraction(n, 2) for n in range(-4, 5)] + [Fraction(1, 3)]
"""Points on and between the numbers, so that strict and weak comparisons differ."""

variables = st.sampled_from(["X_0", "X_1", "Y_0", "Y_1"])
constants = st.recursive(
    st.sampled_from(NUMBERS),
    lambda inner: st.one_of(
        inner.map("(- {})".format),
        st.tuples(st.sampled_from("+-*"), inner, inner).map("({0[0]} {0[1]} {0[2]})".format),
        inner.map("(/ {} 2)".format),
    ),
    max_leaves=3,
)
terms = st.recursive(
    st.one_of(variables, constants),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+-"), st.lists(inner, min_size=1, max_size=3).map(" ".join)).map(
            "({0[0]} {0[1]})".format
        ),
        st.tuples(constants, inner).map("(* {0[0]} {0[1]})".format),
        st.tuples(inner, constants).map("(* {0[0]} {0[1]})".format),
        st.tuples(inner, st.sampled_from(["2", "-4.0", "(- 0.5)"])).map("(/ {0[0]} {0[1]})".format),
    ),
    max_leaves=4,
)
comparisons = st.one_of(
    st.tuples(st.sampled_from(["<=", ">=", "<", ">"]), variables, st.sampled_from(NUMBERS)),
    st.tuples(st.sampled_from(list(COMPARE)), terms, terms),
).map(lambda parts: f"({' '.join(parts)})") | st.tuples(
    st.sampled_from(["<=", "<", "="]), st.lists(terms, min_size=3, max_size=4).map(" ".join)
).map("({0[0]} {0[1]})".format)
conditions = st.recursive(
    comparisons | st.sampled_from(["true", "false"]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=1, max_size=3).map(" ".join)).map(
            "({0[0]} {0[1]})".format
        ),
        inner.map("(not {})".format),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(=> {' '.join(parts)})"),
        st.tuples(inner, inner).map("(xor {0[0]} {0[1]})".format),
        st.tuples(inner, comparisons).map("(= {0[0]} {0[1]})".format),
        st.tuples(inner, inner, inner).map("(ite {0[0]} {0[1]} {0[2]})".format),
    ),
    max_leaves=5,
)
points = st.fixed_dictionaries({name: st.sampled_from(VALUES) for name in ("X_0", "X_1", "Y_0", "Y_1")})


@settings(max_examples=400, deadline=None)
@given(st.lists(conditions, max_size=3), st.lists(points, min_size=1, max_size=12))
def test_the_regions_hold_exactly_where_the_formula_does(asserts, at) -> None:
    text = DECLARED + "\n".join(f"(assert {condition})" for condition in asserts)
    document = parse(text)
    assert document.property is not None, document.diagnostics
    for point in at:
        assert found(document.property, point) == asserted(text, point), point


@settings(max_examples=200, deadline=None)
@example(["(<= X_0 -1)", "(=> (<= X_0 -1) (>= X_0 -1) (<= X_0 -1))"])
@given(st.lists(conditions, min_size=1, max_size=3))
def test_no_region_is_empty_and_no_two_have_the_same_box(asserts) -> None:
    prop = parse(DECLARED + "\n".join(f"(assert {condition})" for condition in asserts)).required()
    boxes = [(region.lower, region.upper) for region in prop.regions]
    assert len(set(boxes)) == len(boxes)
    for region in prop.regions:
        assert region.unsafe
        for low, high in zip(region.lower, region.upper, strict=True):
            assert low is None or high is None or low <= high


@settings(max_examples=200, deadline=None)
@given(st.lists(conditions, min_size=1, max_size=3))
def test_layout_and_comments_change_nothing(asserts) -> None:
    plain = parse(DECLARED + "".join(f"(assert {condition})\n" for condition in asserts))
    spread = "".join(f"(;\n assert\t; (\r\n {condition.replace('(', '( ')}  )\n" for condition in asserts)
    assert parse(DECLARED + spread).property == plain.property


def test_nested_disjunctions_over_boxes_become_regions() -> None:
    # Two input boxes as in ACAS Xu's property 6, and one output condition for both.
    prop = parse(
        DECLARED
        + """
        (assert (or (and (<= X_0 0.7) (>= X_0 0.2) (<= 0 X_1 1))
                    (and (<= X_0 -0.2) (>= X_0 -0.7) (<= 0 X_1 1))
                    (and (>= X_0 0.2) (<= X_0 7e-1) (>= X_1 0) (<= X_1 1.0) (< Y_1 -3))))
        (assert (or (and (<= Y_0 Y_1)) (>= (+ Y_0 (* 2 X_1)) 4.5)))
        """
    ).required()
    first, second = prop.regions
    assert (first.lower, first.upper) == ((Fraction(1, 5), 0), (Fraction(7, 10), 1))
    assert (second.lower, second.upper) == ((Fraction(-7, 10), 0), (Fraction(-1, 5), 1))
    assert [len(conjunction.constraints) for conjunction in first.unsafe] == [1, 1, 2, 2]
    assert [len(conjunction.constraints) for conjunction in second.unsafe] == [1, 1]
    mixed = second.unsafe[1].constraints[0]
    assert (mixed.x, mixed.y, mixed.bound, mixed.strict) == ({1: -2}, {0: -1}, Fraction(-9, 2), False)


def test_strict_bounds_close_the_box_and_stay_constraints() -> None:
    prop = parse(DECLARED + "(assert (and (< 0 X_0 1) (<= 0 X_1 0) (<= Y_0 0)))").required()
    (region,) = prop.regions
    assert (region.lower, region.upper) == ((0, 0), (1, 0))
    assert prop.holds_at([Fraction(1, 2), 0], [0, 0]) is region.unsafe[0]
    assert prop.holds_at([Fraction(1), 0], [0, 0]) is None


def test_numbers_are_exact() -> None:
    tiny = "0." + "0" * 400 + "1"
    prop = parse(
        DECLARED + f"(assert (<= X_0 {tiny})) (assert (>= X_0 -1.0e+3)) (assert (<= X_1 1e-8))"
    ).required()
    (region,) = prop.regions
    assert region.upper == (Fraction(1, 10**401), Fraction(1, 10**8))
    assert region.lower == (-1000, None)


def test_the_elements_of_version_2_are_numbered_row_by_row_tensor_after_tensor() -> None:
    prop = parse(
        """
        (vnnlib-version <2.1>)
        (declare-network f
            (declare-input image Real [2,2])
            (declare-input scale float64 [])
            (declare-output logits float32 [1,3]))
        (assert (and (<= 0 image [0,0] 1) (<= 0 image[0, 1] 1) (<= 0 image[1,0] 1) (<= 0 image[1,1] 2)))
        (assert (== scale 0.5))
        (assert (>= logits[0,2] (- logits[0,0] 1.0)))
        """
    ).required()
    assert (prop.inputs, prop.outputs) == (5, 3)
    assert prop.input_shapes == ((2, 2), ()) and prop.output_shapes == ((1, 3),)
    assert [prop.input_name(i) for i in (2, 3, 4)] == ["image[1,0]", "image[1,1]", "scale"]
    assert prop.output_name(2) == "logits[0,2]"
    (region,) = prop.regions
    assert region.upper == (1, 1, 1, 2, Fraction(1, 2))
    (constraint,) = region.unsafe[0].constraints
    assert (constraint.y, constraint.bound) == ({2: -1, 0: 1}, 1)


def test_both_versions_say_the_same_in_their_own_words() -> None:
    old = parse(DECLARED + "(assert (<= 0 X_0 1)) (assert (<= 0 X_1 1)) (assert (>= Y_1 Y_0))").required()
    new = parse(
        """(vnnlib-version <2.0>)
        (declare-network f (declare-input X float32 [1,2]) (declare-output Y float32 [2]))
        (assert (<= 0 X[0,0] 1)) (assert (<= 0 X[0,1] 1)) (assert (>= Y[1] Y[0]))"""
    ).required()
    assert new.regions == old.regions


def test_a_point_of_the_wrong_size_is_refused() -> None:
    prop = parse(DECLARED + "(assert (<= X_0 1))").required()
    with pytest.raises(ValueError, match="expected 2 inputs and 2 outputs, got 1 and 2"):
        prop.holds_at([Fraction(0)], [Fraction(0)] * 2)
