"""Tensors as Python source: what a test or a message writes so that the same numbers come back."""

from __future__ import annotations

import math
import pprint

_WIDTH = 88
"""Columns of the numbers, which are indented."""


def tensor_statement(name: str, numbers: object, dtype: str) -> str:
    """`    x = torch.tensor([...], dtype=torch.float32)`, indented as in a function; the same tensor comes back.

    Args:
        numbers: nested lists.
        dtype: as torch names it, without `torch.`.
    """
    text = pprint.pformat(_Numbers.of(numbers), width=_WIDTH, compact=True)
    first, *rest = text.splitlines()
    opening = f"    {name} = torch.tensor("
    if not rest:
        return f"{opening}{first}, dtype=torch.{dtype})\n"
    body = "\n".join(f"        {line}" for line in (first, *rest))
    return f"{opening}\n{body},\n        dtype=torch.{dtype},\n    )\n"


class _Numbers(float):
    """Written so that Python reads it back, infinite ones too."""

    def __repr__(self) -> str:
        return float.__repr__(self) if math.isfinite(self) else f'float("{float(self)}")'

    @staticmethod
    def of(numbers: object) -> object:
        """Nested lists of numbers, with these in place of floats."""
        if isinstance(numbers, list):
            return [_Numbers.of(number) for number in numbers]
        return _Numbers(numbers) if isinstance(numbers, float) else numbers
