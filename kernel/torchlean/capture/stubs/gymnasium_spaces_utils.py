"""`gymnasium.spaces.utils`, which has what `gymnasium.spaces` has."""

from gymnasium.spaces import flatdim
