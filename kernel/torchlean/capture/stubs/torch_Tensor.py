"""Methods of tensors that are compositions of others."""

import torch


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
