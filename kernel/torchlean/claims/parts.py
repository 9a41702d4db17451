"""The parts that branch and bound cut a domain into, as boxes: for pictures, and to name the worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.bounds.branching.tree import Leaf, SplitTree


@dataclass(frozen=True, eq=False, slots=True)
class Parts:
    """Boxes that together are the domain, (parts, inputs) each, float64.

    Attributes:
        lower, upper: their ends, inputs flat.
        shown: whether the claim is shown on each, (parts,).
        bounds: a lower bound of the margin on each, (parts,).
    """

    lower: Tensor
    upper: Tensor
    shown: Tensor
    bounds: Tensor

    def __len__(self) -> int:
        return len(self.shown)

    @property
    def worst(self) -> int | None:
        """The part with the least bound of those that are not shown; None where all are."""
        if bool(self.shown.all()):
            return None
        return int(torch.where(self.shown, torch.inf, self.bounds).argmin())


def parts_of(tree: SplitTree, lower: Tensor, upper: Tensor) -> Parts:
    """The leaves of a tree whose cuts are all through inputs.

    Args:
        lower, upper: flat ends of the domain, (inputs,), in the order of the tree's variables.
    """
    leaves = list(tree.all_leaves())
    ends = [_ends(leaf, lower, upper) for leaf in leaves]
    return Parts(
        torch.stack([low for low, _ in ends]),
        torch.stack([high for _, high in ends]),
        torch.tensor([leaf.decided for leaf in leaves]),
        torch.tensor([leaf.bound for leaf in leaves], dtype=torch.float64),
    )


def _ends(leaf: Leaf, lower: Tensor, upper: Tensor) -> Sequence[Tensor]:
    low, high = lower.clone(), upper.clone()
    for variable, at, above in leaf.cuts:
        (low if above else high)[variable] = at
    return low, high
