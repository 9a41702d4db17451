"""What is said of a margin that was shown in exact arithmetic, and of the executions that round."""

from __future__ import annotations

import math

from torchlean.numbers import upper_text

DIGITS = 3
"""Of an error in a sentence: it is a bound, and more digits of it mean nothing."""

NOT_INCLUDED = "; the rounding of a float execution is not included"


def margin_note(margin: float, error: float) -> str:
    """Whether executions keep what exact numbers keep, as the end of a sentence that states the margin.

    Args:
        margin: a lower bound in exact arithmetic.
        error: how much of it the rounding of an execution may take away; infinite where nothing is known.
    """
    if not math.isfinite(error):
        return NOT_INCLUDED
    if margin > error:
        return f", more than float32 rounding can take away ({upper_text(error, DIGITS)})"
    return f"; float32 rounding may take away {upper_text(error, DIGITS)}"


__all__ = ["NOT_INCLUDED", "margin_note"]
