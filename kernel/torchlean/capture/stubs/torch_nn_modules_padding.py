"""Padding layers."""

import torch.nn.functional as F
from torch.nn.modules.module import Module
from torch.nn.modules.utils import per_dimension


class _Pad(Module):
    dimensions = 1
    mode = "constant"

    def __init__(self, padding):
        super().__init__()
        self.padding = per_dimension(padding, 2 * self.dimensions, "padding")

    def forward(self, input):
        return F.pad(input, self.padding, mode=self.mode)


class _ConstantPad(_Pad):
    def __init__(self, padding, value):
        super().__init__(padding)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, mode="constant", value=self.value)


class ConstantPad1d(_ConstantPad):
    dimensions = 1


class ConstantPad2d(_ConstantPad):
    dimensions = 2


class ConstantPad3d(_ConstantPad):
    dimensions = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding):
        super().__init__(padding, 0.0)


class ZeroPad1d(_ZeroPad):
    dimensions = 1


class ZeroPad2d(_ZeroPad):
    dimensions = 2


class ZeroPad3d(_ZeroPad):
    dimensions = 3


class ReflectionPad1d(_Pad):
    dimensions = 1
    mode = "reflect"


class ReflectionPad2d(_Pad):
    dimensions = 2
    mode = "reflect"


class ReflectionPad3d(_Pad):
    dimensions = 3
    mode = "reflect"


class ReplicationPad1d(_Pad):
    dimensions = 1
    mode = "replicate"


class ReplicationPad2d(_Pad):
    dimensions = 2
    mode = "replicate"


class ReplicationPad3d(_Pad):
    dimensions = 3
    mode = "replicate"


class CircularPad1d(_Pad):
    dimensions = 1
    mode = "circular"


class CircularPad2d(_Pad):
    dimensions = 2
    mode = "circular"


class CircularPad3d(_Pad):
    dimensions = 3
    mode = "circular"
