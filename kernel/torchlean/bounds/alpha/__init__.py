"""alpha-CROWN: linear bounds whose free slopes are optimised, each row its own, and proved with outward rounding.

Xu et al., "Fast and Complete: Enabling Complete Verification with Massively Parallel Incomplete Verifiers", ICLR 2021
(arXiv:2011.13824), on general graphs. Slopes are found in plain float32 (`search`), from explicit derivatives
(`descent`, `stations`, `families`); a bound is what the sound passes of CROWN make of them (`problem`, `proof`), so
that nothing rests on how they were found. `refine` tightens a whole graph, `boxes` is one step of branch and bound on
many boxes, with the multipliers of ReLU phases (beta-CROWN).
"""

from torchlean.bounds.alpha.boxes import Choices, RowBounds, alpha_boxes
from torchlean.bounds.alpha.refine import alpha

__all__ = ["Choices", "RowBounds", "alpha", "alpha_boxes"]
