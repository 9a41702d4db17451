"""alpha-CROWN: linear bounds whose free slopes are optimised, each row its own, and proved with outward rounding.

Xu et al., "Fast and Complete: Enabling Complete Verification with Massively Parallel Incomplete Verifiers", ICLR 2021
(arXiv:2011.13824), on general graphs. Slopes are found in plain float32 (`search`), from explicit derivatives
(`descent`, `stations`); a bound is what the sound passes of CROWN make of them (`problem`), so that nothing rests on
how they were found. `boxes` is one such step for branch and bound, with the multipliers of ReLU phases (beta-CROWN).
"""

from torchlean.bounds.alpha.boxes import Choices, RowBounds, alpha_boxes

__all__ = ["Choices", "RowBounds", "alpha_boxes"]
