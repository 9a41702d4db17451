"""Methods of tensors that are compositions of others."""

import torch

from torchlean.capture.intrinsics import empty


def trace(self):
    return torch.trace(self)


def cross(self, other, dim=None):
    return torch.cross(self, other, dim)


def heaviside(self, values):
    return torch.heaviside(self, values)


def logit(self, eps=None):
    return torch.logit(self, eps)


def isclose(self, other, rtol=1e-5, atol=1e-8, equal_nan=False):
    return torch.isclose(self, other, rtol, atol, equal_nan)


def register_hook(self, hook):
    """Hooks on gradients change no number of a forward pass."""


def new(self, *size):
    """An uninitialised tensor of the same dtype."""
    return empty(size if size else (0,), self.dtype)


def resize_as_(self, other):
    """What the tensor had before is not looked for in its new shape: it can have any numbers."""
    self.data = empty(tuple(other.shape), self.dtype)
    return self
