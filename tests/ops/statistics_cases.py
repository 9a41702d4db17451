"""Reductions, softmax, norms and normalisations, each with its exact meaning."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import accumulate
from operator import mul
from typing import Any

import mpmath
import numpy as np
import tests.ops.tensor_references as exactly
from mpmath import mpf
from tests.ops.tensor_case import Case
from tests.ops.tensor_references import Array


def _first(values: Array, extreme: Callable[..., Any]) -> Fraction:
    return Fraction(list(values).index(extreme(values)))


def _reductions() -> list[Case]:
    over, along = exactly.over, exactly.along
    one: dict[str, Any] = {"dim": (1,), "keepdim": False}
    every: dict[str, Any] = {"dim": (0, 1), "keepdim": False}
    shapes = ((2, 5),)

    def difference(x: Array) -> Array:
        return np.asarray(x[:, 1:] - x[:, :-1])

    def truth(quantifier: Callable[[Any], bool]) -> Callable[[Array], Array]:
        return lambda x: over(lambda v: Fraction(int(quantifier(v))), x, (1,))

    cases = [
        Case("sum", "sum", shapes, lambda x: over(sum, x, (1,)), one),
        Case("sum of all", "sum", ((2, 3),), lambda x: over(sum, x, (0, 1)), every),
        Case("mean", "mean", shapes, lambda x: over(exactly.mean, x, (1,)), one),
        Case("amax", "amax", shapes, lambda x: over(max, x, (1,)), one),
        Case("amin of all", "amin", ((2, 3),), lambda x: over(min, x, (0, 1)), every),
        Case(
            "median",
            "kth_value",
            shapes,
            lambda x: over(lambda v: sorted(v)[2], x, (1,)),
            {"k": None, "dim": 1, "keepdim": False},
        ),
        Case(
            "kth smallest",
            "kth_value",
            shapes,
            lambda x: over(lambda v: sorted(v)[1], x, (1,)),
            {"k": 2, "dim": 1, "keepdim": False},
        ),
        Case(
            "argmax",
            "argmax",
            shapes,
            lambda x: over(lambda v: _first(v, max), x, (1,)),
            {"dim": 1, "keepdim": False},
        ),
        Case(
            "argmin",
            "argmin",
            shapes,
            lambda x: over(lambda v: _first(v, min), x, (1,)),
            {"dim": 1, "keepdim": False},
        ),
        Case(
            "argmax of all",
            "argmax",
            ((2, 2),),
            lambda x: over(lambda v: _first(v, max), x, (0, 1)),
            {"dim": None, "keepdim": False},
        ),
        Case("any", "any", ((2, 3),), truth(any), one),
        Case("all", "all", ((2, 3),), truth(all), one),
        Case(
            "count_nonzero",
            "count_nonzero",
            ((2, 3),),
            lambda x: over(lambda v: Fraction(sum(e != 0 for e in v)), x, (1,)),
            {"dim": (1,)},
        ),
        Case(
            "cumsum",
            "cumsum",
            shapes,
            lambda x: along(lambda v: np.array(list(accumulate(v)), dtype=object), x, (1,)),
            {"dim": 1},
        ),
        Case(
            "cumprod",
            "cumprod",
            ((1, 5),),
            lambda x: along(lambda v: np.array(list(accumulate(v, mul)), dtype=object), x, (1,)),
            {"dim": 1},
        ),
        Case("prod", "prod", ((1, 4),), lambda x: over(math.prod, x, (1,)), {"dim": 1, "keepdim": False}),
        Case(
            "prod of all",
            "prod",
            ((2, 2),),
            lambda x: over(math.prod, x, (0, 1)),
            {"dim": None, "keepdim": False},
        ),
        Case("diff", "diff", shapes, difference, {"dim": 1}),
    ]
    for correction in (0, 1):
        cases.append(
            Case(
                f"var {correction}",
                "var",
                ((2, 4),),
                lambda x, c=correction: over(lambda v: exactly.squared_deviations(v) / (len(v) - c), x, (1,)),
                one | {"correction": correction},
                optimal=False,
            )
        )
    return cases


def _analytic() -> list[Case]:
    over, along = exactly.over, exactly.along
    one: dict[str, Any] = {"dim": (1,), "keepdim": False}
    shapes = ((2, 4),)

    def affinely(function: Callable[[Array], Array], dims: tuple[int, ...]) -> Callable[..., Array]:
        return lambda x, w=None, b=None: (
            along(function, x, dims) * (mpf(1) if w is None else w) + (mpf(0) if b is None else b)
        )

    def batch_norm(x: Array, mean: Array, variance: Array, w: Array, b: Array) -> Array:
        return np.asarray((x - mean) / exactly.each(lambda v: mpmath.sqrt(v + mpf(1e-5)), variance) * w + b)

    whole = {"has_weight": True, "has_bias": True, "eps": 1e-5}
    bare = {"has_weight": False, "has_bias": False, "eps": 1e-5}
    rows: list[tuple[str, str, Any, Callable[..., Array], dict[str, Any], tuple[int, ...], bool]] = [
        ("softmax", "softmax", shapes, lambda x: along(exactly.softmax, x, (1,)), {"dim": 1}, (), True),
        (
            "log_softmax",
            "log_softmax",
            shapes,
            lambda x: along(exactly.log_softmax, x, (1,)),
            {"dim": 1},
            (),
            True,
        ),
        (
            "softmax of one",
            "softmax",
            ((2, 1),),
            lambda x: along(exactly.softmax, x, (1,)),
            {"dim": 1},
            (),
            True,
        ),
        ("logsumexp", "logsumexp", shapes, lambda x: over(exactly.logsumexp, x, (1,)), one, (), True),
        (
            "logcumsumexp",
            "logcumsumexp",
            shapes,
            lambda x: along(exactly.running(exactly.logsumexp), x, (1,)),
            {"dim": 1},
            (),
            True,
        ),
        (
            "std",
            "std",
            shapes,
            lambda x: over(lambda v: mpmath.sqrt(exactly.squared_deviations(v) / 3), x, (1,)),
            one | {"correction": 1},
            (),
            False,
        ),
        (
            "layer_norm",
            "layer_norm",
            ((2, 4), (4,), (4,)),
            affinely(exactly.standardised(1e-5), (1,)),
            whole | {"normalized_shape": (4,)},
            (1, 2),
            False,
        ),
        (
            "layer_norm of two",
            "layer_norm",
            ((3, 2),),
            affinely(exactly.standardised(1e-5), (1,)),
            bare | {"normalized_shape": (2,)},
            (),
            True,
        ),
        (
            "group_norm",
            "group_norm",
            ((1, 4, 2),),
            lambda x: along(exactly.standardised(1e-5), x.reshape(2, 4), (1,)).reshape(1, 4, 2),
            bare | {"num_groups": 2},
            (),
            False,
        ),
        (
            "instance_norm",
            "instance_norm",
            ((1, 2, 4),),
            lambda x: along(exactly.standardised(1e-5), x.reshape(2, 4), (1,)).reshape(1, 2, 4),
            bare,
            (),
            False,
        ),
        (
            "rms_norm",
            "rms_norm",
            ((2, 4), (4,)),
            affinely(exactly.by_root_mean_square(1e-5), (1,)),
            {"has_weight": True, "has_bias": False, "eps": 1e-5, "normalized_shape": (4,)},
            (1,),
            True,
        ),
    ]
    cases = [
        Case(name, op, s, reference, attributes, known=known, analytic=True, optimal=optimal)
        for name, op, s, reference, attributes, known, optimal in rows
    ]
    cases.append(
        Case(
            "batch_norm",
            "batch_norm",
            ((2, 3), (3,), (3,), (3,), (3,)),
            batch_norm,
            whole,
            known=(1, 2, 3, 4),
            analytic=True,
        )
    )
    for order in (0.0, 1.0, 2.0, 3.0, 2.5, 0.5, -1.0, math.inf, -math.inf):
        attributes = one | {"ord": order}
        reference = lambda x, p=order: over(exactly.norm(p), x, (1,))  # noqa: E731 - one row of a table
        cases.append(Case(f"norm {order}", "vector_norm", shapes, reference, attributes, analytic=True))
    for order in (1.0, 2.0, 3.0, 0.5, -1.0, math.inf):
        attributes = {"p": order, "dim": (1,), "eps": 1e-12}
        reference = lambda x, p=order: along(exactly.by_norm(p, 1e-12), x, (1,))  # noqa: E731
        cases.append(
            Case(
                f"normalize {order}",
                "normalize",
                ((2, 4),),
                reference,
                attributes,
                analytic=True,
                optimal=order > 0,
            )
        )
    return cases


REDUCTIONS = _reductions()
STATISTICS = _analytic()
