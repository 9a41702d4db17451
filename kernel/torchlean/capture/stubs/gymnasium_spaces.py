"""`gymnasium.spaces`: what an agent observes and does, as far as networks are built from it."""

import numpy as np

from torchlean.capture.intrinsics import data, unknown


class Space:
    def __init__(self, shape=None, dtype=None, seed=None):
        self._shape = None if shape is None else tuple(shape)
        self.dtype = dtype

    @property
    def shape(self):
        return self._shape

    def __getattr__(self, name):
        return unknown(f"`{name}` of a space is not followed", True)


class Box(Space):
    def __init__(self, low, high, shape=None, dtype=np.float32, seed=None):
        if shape is None:
            shape = low.shape if hasattr(low, "shape") else high.shape if hasattr(high, "shape") else (1,)
        super().__init__(shape, dtype)
        self.low = (np.zeros(self.shape) + low).astype(dtype)
        self.high = (np.zeros(self.shape) + high).astype(dtype)
        self._ends = (low, high)

    def sample(self, mask=None, probability=None):
        low, high = self._ends
        if isinstance(low, (int, float)) and isinstance(high, (int, float)):
            return data(self.shape, self.dtype, low, high, "drawn")
        return data(self.shape, self.dtype)


class Discrete(Space):
    def __init__(self, n, seed=None, start=0, dtype=np.int64):
        super().__init__((), dtype)
        self.n = int(n)
        self.start = int(start)


class MultiBinary(Space):
    def __init__(self, n, seed=None):
        super().__init__((n,) if isinstance(n, int) else tuple(n), np.int8)
        self.n = n


class MultiDiscrete(Space):
    def __init__(self, nvec, dtype=np.int64, seed=None, start=None):
        self.nvec = np.array(nvec)
        super().__init__(self.nvec.shape, dtype)


class Tuple(Space):
    def __init__(self, spaces, seed=None):
        super().__init__()
        self.spaces = tuple(spaces)

    def __getitem__(self, index):
        return self.spaces[index]

    def __len__(self):
        return len(self.spaces)


class Dict(Space):
    def __init__(self, spaces=None, seed=None, **more):
        super().__init__()
        self.spaces = {**dict(spaces or {}), **more}

    def __getitem__(self, key):
        return self.spaces[key]

    def __iter__(self):
        return iter(self.spaces)

    def __len__(self):
        return len(self.spaces)

    def keys(self):
        return self.spaces.keys()

    def items(self):
        return self.spaces.items()

    def values(self):
        return self.spaces.values()


def flatdim(space):
    if isinstance(space, (Box, MultiBinary)):
        return int(np.prod(space.shape))
    if isinstance(space, Discrete):
        return space.n
    if isinstance(space, Dict):
        return sum(flatdim(part) for part in space.values())
    if isinstance(space, Tuple):
        return sum(flatdim(part) for part in space.spaces)
    return unknown("how many numbers this space has when it is flattened", True)
