"""Normalisation layers.

Batch normalisation in training mode normalises with the batch's own mean and variance and moves its running
statistics: both are written out as ordinary tensor operations.
"""

import torch
import torch.nn.functional as F
import torch.nn.init as init
from torch.nn.modules.module import Module
from torch.nn.parameter import Parameter

from torchlean.capture.intrinsics import check_sizes, fail, filled, in_training


class _Affine(Module):
    """Weight (initially one) and bias (initially zero), or neither."""

    def _make_affine(self, shape, weight, bias, dtype):
        if weight:
            self.weight = Parameter(filled(shape, dtype, 1.0))
        else:
            self.register_parameter("weight", None)
        if bias:
            self.bias = Parameter(filled(shape, dtype, 0.0))
        else:
            self.register_parameter("bias", None)

    def reset_parameters(self):
        if self.weight is not None:
            init.ones_(self.weight)
        if getattr(self, "bias", None) is not None:
            init.zeros_(self.bias)


class _Statistics(_Affine):
    """Layers that keep running statistics per channel."""

    def __init__(self, num_features, eps, momentum, affine, track_running_stats, dtype, bias):
        super().__init__()
        check_sizes(type(self).__name__, num_features=num_features)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._make_affine((num_features,), affine, affine and bias, dtype)
        if track_running_stats:
            self.register_buffer("running_mean", filled((num_features,), dtype, 0.0))
            self.register_buffer("running_var", filled((num_features,), dtype, 1.0))
            self.register_buffer("num_batches_tracked", torch.tensor(0))
        else:
            self.register_buffer("running_mean", None)
            self.register_buffer("running_var", None)
            self.register_buffer("num_batches_tracked", None)

    def _check_dimensions(self, input, allowed):
        if input.dim() not in allowed:
            expected = " or ".join([f"{count}D" for count in allowed])
            fail("TL101", ValueError, f"expected {expected} input (got {input.dim()}D input)")

    def _check_channels(self, input, dim):
        if input.shape[dim] != self.num_features:
            fail(
                "TL101",
                ValueError,
                f"{type(self).__name__} expects {self.num_features} channels, "
                f"got input of shape {tuple(input.shape)}",
            )


class _BatchNorm(_Statistics):
    dimensions = ()

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype, bias)

    def forward(self, input):
        self._check_dimensions(input, self.dimensions)
        self._check_channels(input, 1)
        if self.training or self.running_mean is None:
            return self._normalised_by_batch(input)
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps
        )

    def _normalised_by_batch(self, input):
        dims = [dim for dim in range(input.dim()) if dim != 1]
        count = input.numel() // max(self.num_features, 1)
        if count <= 1:
            fail(
                "TL101",
                ValueError,
                f"Expected more than 1 value per channel when training, got input size {input.shape}",
            )
        if self.training and self.running_mean is not None:
            in_training("batch normalisation")
            mean, variance = input.mean(dims), input.var(dims, unbiased=False)
            self._move_statistics(mean.detach(), variance.detach() * (count / (count - 1)))
        return F.batch_norm(input, None, None, self.weight, self.bias, True, 0.0, self.eps)

    def _move_statistics(self, mean, variance):
        momentum = self.momentum
        if momentum is None:
            momentum = 1.0 / (float(self.num_batches_tracked) + 1.0)
        self.num_batches_tracked = self.num_batches_tracked + 1
        self.running_mean = self.running_mean * (1 - momentum) + mean * momentum
        self.running_var = self.running_var * (1 - momentum) + variance * momentum


class BatchNorm1d(_BatchNorm):
    dimensions = (2, 3)


class BatchNorm2d(_BatchNorm):
    dimensions = (4,)


class BatchNorm3d(_BatchNorm):
    dimensions = (5,)


class SyncBatchNorm(_BatchNorm):
    dimensions = (2, 3, 4, 5)


class _InstanceNorm(_Statistics):
    dimensions = ()

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=False,
        track_running_stats=False,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype, bias)

    def forward(self, input):
        self._check_dimensions(input, self.dimensions)
        batched = input.dim() == self.dimensions[1]
        x = input if batched else input.unsqueeze(0)
        if self.affine:
            self._check_channels(x, 1)
        if self.track_running_stats and self.training:
            in_training("instance normalisation")
        result = F.instance_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            0.0 if self.momentum is None else self.momentum,
            self.eps,
        )
        return result if batched else result.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    dimensions = (2, 3)


class InstanceNorm2d(_InstanceNorm):
    dimensions = (3, 4)


class InstanceNorm3d(_InstanceNorm):
    dimensions = (4, 5)


class LayerNorm(_Affine):
    def __init__(
        self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None
    ):
        super().__init__()
        if isinstance(normalized_shape, int):
            normalized_shape = (normalized_shape,)
        self.normalized_shape = tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._make_affine(self.normalized_shape, elementwise_affine, elementwise_affine and bias, dtype)

    def forward(self, input):
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class RMSNorm(_Affine):
    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        super().__init__()
        if isinstance(normalized_shape, int):
            normalized_shape = (normalized_shape,)
        self.normalized_shape = tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        if elementwise_affine:
            self.weight = Parameter(filled(self.normalized_shape, dtype, 1.0))
        else:
            self.register_parameter("weight", None)

    def forward(self, x):
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)


class GroupNorm(_Affine):
    def __init__(
        self, num_groups, num_channels, eps=1e-5, affine=True, device=None, dtype=None, *, bias=True
    ):
        super().__init__()
        check_sizes("GroupNorm", num_groups=num_groups, num_channels=num_channels)
        if num_channels % num_groups != 0:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._make_affine((num_channels,), affine, affine and bias, dtype)

    def forward(self, input):
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)


class LocalResponseNorm(Module):
    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0):
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input):
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)
