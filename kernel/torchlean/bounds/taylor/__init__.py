"""Bounds of the second order, for graphs that multiply: Lyapunov functions, dynamics, products of states and controls.

Planes around a product are loose by the product of the factors' ranges, and a difference of two nearly equal quadratic
forms is a sum of such products that linear bounds relax one by one. Here every node of a graph of few inputs becomes a
quadratic polynomial of the inputs and an error (`expansion`, `arithmetic`), in which all that belongs together cancels;
a row is then bounded by the least value of its polynomial over the box (`minimum`), which is exact where the polynomial
is convex, and pairs of rows by that of their best combination (`combining`).
"""

from torchlean.bounds.taylor.combining import Combining, Pairs
from torchlean.bounds.taylor.expansion import Expansion, Plan

__all__ = ["Combining", "Expansion", "Pairs", "Plan"]
