"""What shape operands have together.

torch has a function for this, whose first call imports a computer algebra system and takes half a second or more.
"""

from __future__ import annotations

from collections.abc import Sequence


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape that tensors of these shapes broadcast to: counted from the right, sizes are equal or 1.

    Raises:
        ValueError: they do not broadcast.
    """
    result: list[int] = [1] * max(map(len, shapes), default=0)
    for shape in shapes:
        for place, size in enumerate(reversed(shape), 1):
            if size != 1 and result[-place] not in (1, size):
                raise ValueError(f"shapes {' and '.join(str(tuple(s)) for s in shapes)} do not broadcast")
            if size != 1:
                result[-place] = size
    return tuple(result)
