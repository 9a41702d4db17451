"""Executable IEEE-754 binary32, and the model of its rounding errors that the proofs use.

What a verifier says about a network is about its binary32 execution only if it is known, to the last bit,
what binary32 arithmetic is. So it is written out here, on bit patterns and exact integers, without the
machine's floating point:

- `scalar`: the reference on Python integers, operation by operation of IEEE 754-2019 (its docstring has the table);
- `Binary32`: a number with operators on top of it;
- `vector`: the same on numpy arrays, tens of millions of operations a second;
- `kernels`: stated bounds, in ulps, for the functions of torch that are not rounded correctly;
- `rounding_model`: the inequality |r - s| <= u|s| + η that every operation satisfies, and what follows from it for dot
  products of any summation order; both as predicates on exact rationals;
- `schedules`: random summation orders, with and without FMA, to hold the model against.

Results come with the five exception flags; rounding direction, tininess, NaN policy and flushing of
subnormals are given in an `Environment`. All agree bit for bit with the processors they have been compared
with, NaN payloads excepted.
"""

from __future__ import annotations

from torchlean.float32 import rounding_model, scalar, schedules, vector
from torchlean.float32.environment import (
    DEFAULT,
    Environment,
    Flags,
    IntegerResult,
    NanPolicy,
    Result,
    Rounding,
    Tininess,
)
from torchlean.float32.formats import BFLOAT16, BINARY16, BINARY32, BINARY64, TF32, Format
from torchlean.float32.value import Binary32

__all__ = [
    "BFLOAT16",
    "BINARY16",
    "BINARY32",
    "BINARY64",
    "DEFAULT",
    "TF32",
    "Binary32",
    "Environment",
    "Flags",
    "Format",
    "IntegerResult",
    "NanPolicy",
    "Result",
    "Rounding",
    "Tininess",
    "rounding_model",
    "scalar",
    "schedules",
    "vector",
]
