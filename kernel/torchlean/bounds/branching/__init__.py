"""Branch and bound: parts of a domain that bounds cannot decide are cut until they can."""

from torchlean.bounds.branching.goal import Goal

__all__ = ["Goal"]
