"""Random summation orders: dot products as some machine might compute them.

A library is free to sum in any order, in any number of partial sums, and to fuse any product with an
addition. Here a whole batch of dot products is computed at once on the vector form, every one in an order of
its own: the relation `Dot(xs, ys, b, r)` of the theory, made executable.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from torchlean.float32 import vector
from torchlean.float32.environment import DEFAULT, Environment
from torchlean.float32.vector import Bits


class Shape(enum.Enum):
    """The shapes of summation trees; which term stands where in them is random in all three."""

    SEQUENTIAL = "one accumulator"
    BALANCED = "pairwise"
    RANDOM = "random"


@dataclass(frozen=True)
class _Forest:
    """The partial sums of a batch: arrays of shape (batch, items). A pending item is an exact product not yet
    rounded.
    """

    x: Bits
    y: Bits
    pending: npt.NDArray[np.bool_]
    environment: Environment

    def columns(self, part: slice) -> _Forest:
        return _Forest(self.x[:, part], self.y[:, part], self.pending[:, part], self.environment)

    def shuffled(self, random: np.random.Generator) -> _Forest:
        """The items of every row in an order of its own."""
        order = random.permuted(np.broadcast_to(np.arange(self.x.shape[1]), self.x.shape), axis=1)
        x, y = np.take_along_axis(self.x, order, axis=1), np.take_along_axis(self.y, order, axis=1)
        return _Forest(x, y, np.take_along_axis(self.pending, order, axis=1), self.environment)

    def followed_by(self, other: _Forest) -> _Forest:
        return _Forest(
            np.concatenate([self.x, other.x], axis=1),
            np.concatenate([self.y, other.y], axis=1),
            np.concatenate([self.pending, other.pending], axis=1),
            self.environment,
        )

    def rounded(self) -> Bits:
        """The items as numbers: pending products are rounded now."""
        return np.where(self.pending, vector.multiply(self.x, self.y, self.environment), self.x)


def random_dot_products(
    xs: Bits,
    ys: Bits,
    bias: Bits,
    random: np.random.Generator,
    shape: Shape = Shape.RANDOM,
    fused: float = 0.5,
    environment: Environment = DEFAULT,
) -> Bits:
    """One result of `xs[k] · ys[k] + bias[k]` for every k, each in an order of its own.

    `xs`, `ys`: (batch, terms) patterns of binary32, `bias`: (batch,). `fused` is the probability that an
    addition with a pending product takes it unrounded, by an FMA. Returns (batch,).
    """
    start = _numbers(bias[:, np.newaxis], environment)
    products = _Forest(xs, ys, np.ones(xs.shape, np.bool_), environment)
    forest = start.followed_by(products).shuffled(random)
    if shape is Shape.SEQUENTIAL:
        total = forest.columns(slice(0, 1))
        for item in range(1, forest.x.shape[1]):
            total = _combine(total, forest.columns(slice(item, item + 1)), fused, random)
        return total.rounded()[:, 0]
    while (items := forest.x.shape[1]) > 1:
        pairs = items // 2 if shape is Shape.BALANCED else _some_pairs(items, random)
        left, right = forest.columns(slice(0, pairs)), forest.columns(slice(pairs, 2 * pairs))
        rest = forest.columns(slice(2 * pairs, None))
        forest = _combine(left, right, fused, random).followed_by(rest).shuffled(random)
    return forest.rounded()[:, 0]


def _numbers(values: Bits, environment: Environment) -> _Forest:
    return _Forest(values, np.zeros_like(values), np.zeros(values.shape, np.bool_), environment)


def _some_pairs(items: int, random: np.random.Generator) -> int:
    """How many items are paired in a round: from an eighth, so that a few dozen rounds do."""
    return int(random.integers(max(1, items // 8), items // 2 + 1))


def _combine(one: _Forest, two: _Forest, fused: float, random: np.random.Generator) -> _Forest:
    """The sums of two forests, item by item."""
    a, b = one.rounded(), two.rounded()
    total = vector.add(a, b, one.environment)
    fuse = random.random(total.shape) < fused
    # Of two pending products either may stay unrounded; here it is the second.
    for item, other in ((one, b), (two, a)):
        product_sum = vector.fused_multiply_add(item.x, item.y, other, one.environment)
        total = np.where(fuse & item.pending, product_sum, total)
    return _numbers(total, one.environment)
