"""`torch.nn.utils`: parameters as one vector, and reparametrisations."""

import torch

from torchlean.capture.intrinsics import unsupported


def parameters_to_vector(parameters):
    return torch.cat([parameter.view(-1) for parameter in parameters])


def weight_norm(module, name="weight", dim=0):
    return unsupported("weight_norm replaces a parameter by a recomputed one, and is not followed")


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    return unsupported("spectral_norm replaces a parameter by a recomputed one, and is not followed")
