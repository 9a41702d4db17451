"""`torch.nn.utils`: what training scripts call around gradients, and parameters as one vector."""

import math

import torch

from torchlean.capture.intrinsics import drawn, unsupported


def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None):
    # Only gradients change; the norm is a number of the run.
    return drawn((), torch.float32, 0.0, math.inf)


def clip_grad_value_(parameters, clip_value, foreach=None):
    return None


def parameters_to_vector(parameters):
    return torch.cat([parameter.view(-1) for parameter in parameters])


def weight_norm(module, name="weight", dim=0):
    unsupported("weight_norm replaces a parameter by a recomputed one, and is not followed")


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    unsupported("spectral_norm replaces a parameter by a recomputed one, and is not followed")
