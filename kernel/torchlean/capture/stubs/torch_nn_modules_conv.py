"""Convolutions and transposed convolutions in one, two and three dimensions."""

import math

import torch.nn.functional as F
import torch.nn.init as init
from torch.nn.modules.module import Module
from torch.nn.modules.utils import sizes
from torch.nn.parameter import Parameter

from torchlean.capture.intrinsics import check_sizes, empty, fail

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


def _same_padding(kernel_size, dilation):
    """What padding='same' adds, last dimension first: `dilation * (kernel - 1)`, the odd one on the right."""
    pads = []
    for kernel, step in zip(reversed(kernel_size), reversed(dilation), strict=True):
        total = step * (kernel - 1)
        pads = [*pads, total // 2, total - total // 2]
    return pads


class _ConvNd(Module):
    def __init__(
        self,
        dimensions,
        in_channels,
        out_channels,
        kernel_size,
        stride,
        padding,
        dilation,
        transposed,
        output_padding,
        groups,
        bias,
        padding_mode,
        dtype,
    ):
        super().__init__()
        layer = type(self).__name__
        check_sizes(layer, in_channels=in_channels, out_channels=out_channels, groups=groups)
        if groups <= 0:
            raise ValueError(f"groups must be a positive integer, got {groups}")
        if in_channels % groups != 0:
            raise ValueError(f"in_channels ({in_channels}) must be divisible by groups ({groups})")
        if out_channels % groups != 0:
            raise ValueError(f"out_channels ({out_channels}) must be divisible by groups ({groups})")
        if padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {_PADDING_MODES}, but got padding_mode='{padding_mode}'"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = sizes(layer, "kernel_size", kernel_size, dimensions)
        self.stride = sizes(layer, "stride", stride, dimensions)
        self.dilation = sizes(layer, "dilation", dilation, dimensions)
        self.transposed = transposed
        self.output_padding = sizes(layer, "output_padding", output_padding, dimensions)
        self.groups = groups
        self.padding_mode = padding_mode
        self.padding = self._checked_padding(layer, padding, dimensions)
        self._reversed_padding_repeated_twice = self._pads()
        if transposed:
            shape = (in_channels, out_channels // groups, *self.kernel_size)
        else:
            shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = Parameter(empty(shape, dtype))
        if bias:
            self.bias = Parameter(empty((out_channels,), dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _checked_padding(self, layer, padding, dimensions):
        if not isinstance(padding, str):
            return sizes(layer, "padding", padding, dimensions)
        if padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string '{padding}', should be one of ('same', 'valid')")
        if padding == "same" and any(step != 1 for step in self.stride):
            raise ValueError("padding='same' is not supported for strided convolutions")
        return padding

    def _pads(self):
        """The padding as `F.pad` takes it, for modes other than zeros."""
        if self.padding == "valid":
            return [0] * (2 * len(self.kernel_size))
        if self.padding == "same":
            return _same_padding(self.kernel_size, self.dilation)
        pads = []
        for amount in reversed(self.padding):
            pads = [*pads, amount, amount]
        return pads

    def reset_parameters(self):
        # torch's kaiming_uniform_ with a = sqrt(5): uniform in +-1/sqrt(fan_in), for the bias too.
        fan_in = self.weight.shape[1] * math.prod(self.kernel_size)
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0.0
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def _convolve(self, function, input):
        if self.padding_mode == "zeros":
            return function(
                input, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
            )
        padded = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
        return function(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class Conv1d(_ConvNd):
    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            1, in_channels, out_channels, kernel_size, stride, padding, dilation, False, 0, groups, bias,
            padding_mode, dtype,
        )  # fmt: skip

    def forward(self, input):
        return self._convolve(F.conv1d, input)


class Conv2d(_ConvNd):
    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            2, in_channels, out_channels, kernel_size, stride, padding, dilation, False, 0, groups, bias,
            padding_mode, dtype,
        )  # fmt: skip

    def forward(self, input):
        return self._convolve(F.conv2d, input)


class Conv3d(_ConvNd):
    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            3, in_channels, out_channels, kernel_size, stride, padding, dilation, False, 0, groups, bias,
            padding_mode, dtype,
        )  # fmt: skip

    def forward(self, input):
        return self._convolve(F.conv3d, input)


class _ConvTransposeNd(_ConvNd):
    def _checked_padding(self, layer, padding, dimensions):
        if self.padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {layer}')
        return sizes(layer, "padding", padding, dimensions)

    def _spread(self, function, input, output_size):
        output_padding = self.output_padding
        if output_size is not None:
            output_padding = self._output_padding_for(input, list(output_size))
        return function(
            input,
            self.weight,
            self.bias,
            self.stride,
            self.padding,
            output_padding,
            self.groups,
            self.dilation,
        )

    def _output_padding_for(self, input, output_size):
        """The padding on the far side that makes the result as large as asked for."""
        count = len(self.kernel_size)
        wanted = output_size[-count:]
        result = []
        for dim in range(count):
            smallest = (
                (input.shape[dim - count] - 1) * self.stride[dim]
                - 2 * self.padding[dim]
                + self.dilation[dim] * (self.kernel_size[dim] - 1)
                + 1
            )
            if not smallest <= wanted[dim] < smallest + self.stride[dim]:
                fail(
                    "TL101",
                    ValueError,
                    f"requested an output size of {wanted}, but size {dim} must be between {smallest} and "
                    f"{smallest + self.stride[dim] - 1}",
                )
            result.append(wanted[dim] - smallest)
        return tuple(result)


class ConvTranspose1d(_ConvTransposeNd):
    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            1, in_channels, out_channels, kernel_size, stride, padding, dilation, True, output_padding,
            groups, bias, padding_mode, dtype,
        )  # fmt: skip

    def forward(self, input, output_size=None):
        return self._spread(F.conv_transpose1d, input, output_size)


class ConvTranspose2d(_ConvTransposeNd):
    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            2, in_channels, out_channels, kernel_size, stride, padding, dilation, True, output_padding,
            groups, bias, padding_mode, dtype,
        )  # fmt: skip

    def forward(self, input, output_size=None):
        return self._spread(F.conv_transpose2d, input, output_size)


class ConvTranspose3d(_ConvTransposeNd):
    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        super().__init__(
            3, in_channels, out_channels, kernel_size, stride, padding, dilation, True, output_padding,
            groups, bias, padding_mode, dtype,
        )  # fmt: skip

    def forward(self, input, output_size=None):
        return self._spread(F.conv_transpose3d, input, output_size)
