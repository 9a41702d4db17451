"""Dimensions along which an op does the same to every slice.

A batch of a data set whose pictures are only known to lie in [0, 1] has the same interval in every sample, and so has
all that is computed from it sample by sample. Ops say by lanes where that is so; the engines then compute one slice
(`torchlean.ops.folding`). An op that says nothing is computed in full.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

Lane = tuple[int, tuple["int | None", ...]]
"""A dimension of the result, and the dimension of each operand that runs along with it.

Slice `i` of the result is made of slice `i` of each operand with such a dimension (of its only one where that has size
1), and of the whole of each operand without (None), by the same function for every `i` and for any number of slices.
"""

Shapes = Sequence[tuple[int, ...]]


def together(shapes: Shapes) -> list[Lane]:
    """Of ops that work element by element on operands that broadcast: every dimension."""
    rank = max(map(len, shapes), default=0)
    places = range(1, rank + 1)
    return [
        (rank - place, tuple(len(shape) - place if place <= len(shape) else None for shape in shapes))
        for place in places
    ]


def leading(count: int, operands: int) -> list[Lane]:
    """The first `count` dimensions of the first of so many operands, which are those of the result."""
    return [(dim, (dim, *[None] * (operands - 1))) for dim in range(count)]


def all_but(shape: tuple[int, ...], dim: object, keepdim: object = True) -> list[Lane]:
    """Of ops of one operand that work along `dim`, a dimension or a tuple of them, and leave the others where they are
    (`keepdim`), or close up. None, and an empty tuple, mean all dimensions."""
    along: Collection[object] = dim if isinstance(dim, tuple) else () if dim is None else (dim,)
    if not along:
        return []
    rank = len(shape)
    taken = {d % rank for d in along if isinstance(d, int) and rank}
    kept = [d for d in range(rank) if d not in taken]
    return [(d if keepdim else place, (d,)) for place, d in enumerate(kept)]


__all__ = ["Lane", "Shapes", "all_but", "leading", "together"]
