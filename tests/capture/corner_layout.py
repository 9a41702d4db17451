"""Corner cases of windows: padding, pooling, dilation, resizing."""

from __future__ import annotations

import torch
from tests.capture.corner_group import Group

IMAGE = (torch.arange(36.0) % 7 - 3).reshape(1, 1, 6, 6)

GROUPS: dict[str, Group] = {
    "padding": Group(
        "Negative amounts crop; `reflect` needs less than the size, `circular` at most the size; `reflect`, "
        "`replicate` and `circular` pad the last dimensions of batched tensors only.",
        IMAGE,
        """F.pad(x, (1, 2, 1, 0))
        F.pad(x, (1, 2, 1, 0), mode='reflect')
        F.pad(x, (1, 2, 1, 0), mode='replicate')
        F.pad(x, (1, 2, 1, 0), mode='circular')
        F.pad(x, (-1, 2, 1, -2))
        F.pad(x, (-1, 2, 0, 0), mode='replicate')
        F.pad(x, (6, 6), mode='reflect')
        F.pad(x, (5, 5, 5, 5), mode='reflect')
        F.pad(x, (6, 6, 6, 6), mode='circular')
        F.pad(x, (7, 7, 7, 7), mode='circular')
        F.pad(x[0, 0], (1, 1), mode='reflect')
        F.pad(x, (1, 1), mode='symmetric')
        F.pad(x.long(), (1, 1), value=2.7)
        nn.ReflectionPad2d(2)(x)
        nn.ReplicationPad2d((1, 0, 2, 3))(x)
        nn.CircularPad2d(2)(x)
        nn.ZeroPad2d((1, -1, 0, 2))(x)""",
    ),
    "pooling": Group(
        "`ceil_mode` drops a last window that begins in the padding; `count_include_pad` counts padding but not what "
        "`ceil_mode` adds beyond it; max pooling pads with minus infinity.",
        IMAGE,
        """F.max_pool2d(x, 3, 2, ceil_mode=True)
        F.max_pool2d(x, 3, 2, padding=1)
        F.max_pool2d(-x.abs() - 9, 3, 2, 1)
        F.max_pool2d(x, 2, dilation=2)
        F.max_pool2d(x, 2, 1, dilation=3, ceil_mode=True)
        F.max_pool2d(x, 4, 3, 2, ceil_mode=True)
        F.max_pool2d(x, (2, 3), (1, 2), (1, 1), ceil_mode=True)
        F.max_pool2d(x, 2, padding=2)
        F.max_pool2d(x, 7)
        F.avg_pool2d(x, 3, 2, 1)
        F.avg_pool2d(x, 3, 2, 1, count_include_pad=False)
        F.avg_pool2d(x, 3, 2, 1, ceil_mode=True)
        F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False)
        F.avg_pool2d(x, 4, 3, 2, ceil_mode=True)
        F.avg_pool2d(x, 4, 3, 2, True, False)
        F.avg_pool2d(x, 2, divisor_override=3)
        F.avg_pool2d(x, 3, 2, 1, True, True, 5)
        F.avg_pool3d(x[None], (1, 3, 2), (1, 2, 1), (0, 1, 1), True, False)
        F.adaptive_avg_pool2d(x, 4)
        F.adaptive_avg_pool2d(x, (None, 5))
        F.adaptive_max_pool2d(x, (1, 5))
        F.max_pool2d(x, 2, return_indices=True)[1]""",
    ),
    "windows": Group(
        "`dilation` spreads the taps of a kernel; `padding='same'` puts the odd zero of an even kernel behind.",
        IMAGE,
        """F.conv2d(x, torch.ones(1, 1, 3, 3), dilation=2)
        F.conv2d(x, torch.ones(1, 1, 2, 2), padding='same')
        F.conv2d(x, torch.ones(1, 1, 4, 2), padding='same', dilation=(1, 3))
        F.conv2d(x, torch.ones(1, 1, 3, 3), padding='same', stride=2)
        F.conv2d(x, torch.ones(1, 1, 3, 3), padding=(1, 2), stride=(2, 1), dilation=(1, 2))
        F.conv_transpose2d(x, torch.ones(1, 1, 3, 3), stride=2, padding=1, output_padding=1, dilation=2)
        F.unfold(x, (2, 3), dilation=(2, 1), padding=1, stride=2)
        x.unfold(2, 3, 2)""",
    ),
    "resizing": Group(
        "`nearest` rounds positions down, `nearest-exact` to the nearest; linear modes shift by half a pixel unless "
        "`align_corners`; integers are rounded to their type after averaging.",
        IMAGE,
        """F.interpolate(x, size=4)
        F.interpolate(x, size=4, mode='nearest-exact')
        F.interpolate(x, size=(3, 9), mode='bilinear')
        F.interpolate(x, size=(3, 9), mode='bilinear', align_corners=True)
        F.interpolate(x, size=(3, 4), mode='bilinear', antialias=True)
        F.interpolate(x, size=(9, 2), mode='bilinear', antialias=True)
        F.interpolate(x, scale_factor=0.4, mode='bilinear', antialias=True)
        F.interpolate(x, scale_factor=1.3, mode='bilinear')
        F.interpolate(x, scale_factor=1.3, recompute_scale_factor=True, mode='bilinear')
        F.interpolate(x.to(torch.uint8), size=4)
        F.interpolate(x.to(torch.uint8), size=4, mode='bilinear')
        F.interpolate(x, size=4, antialias=True)""",
    ),
}

REFUSED: dict[str, str] = {
    "F.max_pool2d(x, 2, return_indices=True)[1]": "return_indices=True is not followed",
    "F.interpolate(x.to(torch.uint8), size=4, mode='bilinear')": "convert the image first",
}
