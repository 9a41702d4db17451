"""Rows of an early convolution: coefficients on a window of the image instead of the whole one.

An element of a convolution depends on a small window of its operand, and that on a window of the operand below. As long
as rows pass nothing but convolutions and functions of single elements, their coefficients are kept as *patches*, one
window for each row, with the place where it stands (Xu et al. 2020, arXiv:2002.12920, appendix on convolutions, by
another representation). What a patch meets on its way, slopes and losses, is cut out of the image at the same place;
beyond the image's edge it is zero, which takes care of padding. Once a window is as large as the image, or another op
comes, rows are laid on the image and go on as usual (`descent`).

The losses are those of `steps`: a patch adds up no more products than the whole row would.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from torchlean.bounds.crown.steps import Step
from torchlean.ops.linearization import Window
from torchlean.ops.overlaps import added_up


@dataclass(frozen=True, eq=False, slots=True)
class Patches:
    """Rows of coefficients on an image of `shape` (channels, height, width).

    Attributes:
        values: (rows, channels, height, width of the patch); arbitrary outside the image.
        places: (rows,) int64: which of the `corners` a row's patch stands at.
        corners: (corners, 2) int64: places of a patch's first element, negative in the padding.
    """

    values: Tensor
    places: Tensor
    corners: Tensor
    shape: tuple[int, int, int]

    @staticmethod
    def of(window: Window, elements: Tensor) -> Patches:
        """The coefficients of single elements of a convolution, given by flat index, on its operand."""
        height, width = window.out
        places = elements % (height * width)
        rows = torch.arange(height) * window.stride[0] - window.before[0]
        columns = torch.arange(width) * window.stride[1] - window.before[1]
        values = window.weight.index_select(0, elements.div(height * width, rounding_mode="floor"))
        return Patches(values, places, torch.cartesian_prod(rows, columns), window.shape)

    @property
    def small(self) -> bool:
        """Whether the patch is smaller than the image."""
        return bool(self.values.shape[2] * self.values.shape[3] < self.shape[1] * self.shape[2])

    def cut(self, *images: Tensor) -> list[Tensor]:
        """Of each image, the elements under every row's patch, (rows, channels, height, width); zero outside."""
        high, wide = self.values.shape[2:]
        rows = self.corners[:, 0, None] + torch.arange(high)
        columns = self.corners[:, 1, None] + torch.arange(wide)
        # The first corner is the least in both directions, and the last the greatest.
        before = [max(0, -int(first)) for first in self.corners[0]]
        sizes = zip(self.corners[-1].tolist(), (high, wide), self.shape[1:], strict=True)
        after = [max(0, last + patch - size) for last, patch, size in sizes]
        together = torch.cat([image.reshape(self.shape) for image in images])
        padded = torch.nn.functional.pad(together, (before[1], after[1], before[0], after[0]))
        found = padded[:, (rows + before[0])[:, :, None], (columns + before[1])[:, None, :]]
        return list(found.transpose(0, 1).index_select(0, self.places).chunk(len(images), 1))

    def lost(self, loss: Tensor) -> Tensor:
        """`|L| loss` for every row, loss (elements,) of the image."""
        (weights,) = self.cut(loss)
        return torch.linalg.vecdot(self.values.abs().flatten(1), weights.flatten(1))

    def relaxed(self, step: Step, paired: bool) -> tuple[Patches, Tensor]:
        """Through the slopes of a nonlinear op.

        Args:
            paired: whether the rows are all there are; else their negations are added behind them.

        Returns:
            The rows on the op's operand, and what each of them loses.
        """
        assert step.slopes is not None
        mid, half, weights = self.cut(*step.slopes[0], step.loss[0])
        sizes = self.values.abs()
        lost = torch.linalg.vecdot(sizes.flatten(1), weights.flatten(1))
        middle, spread = mid * self.values, half * sizes
        if paired:
            return Patches(middle - spread, self.places, self.corners, self.shape), lost
        values = torch.cat((middle - spread, (middle + spread).neg_()))
        return Patches(values, self.places.repeat(2), self.corners, self.shape), torch.cat((lost, lost))

    def through(self, window: Window) -> Patches:
        """Through a convolution whose output the image is, to its operand. Outside the image values must be zero."""
        high, wide = self.values.shape[2:]
        kernel, stride = window.weight.shape[2:], window.stride
        size = ((high - 1) * stride[0] + kernel[0], (wide - 1) * stride[1] + kernel[1])
        values = added_up(self.values, window.weight, size, stride, (1, 1), (0, 0))
        corners = self.corners * torch.tensor(stride) - torch.tensor(window.before)
        return Patches(values, self.places, corners, window.shape)

    def laid(self) -> Tensor:
        """Rows on the whole image, (rows, channels * height * width)."""
        count, channels, high, wide = self.values.shape
        rows = self.corners[:, 0, None] + torch.arange(high)
        columns = self.corners[:, 1, None] + torch.arange(wide)
        inside = ((rows >= 0) & (rows < self.shape[1]))[:, :, None]
        inside = inside & ((columns >= 0) & (columns < self.shape[2]))[:, None, :]
        flat = rows.clamp(0, self.shape[1] - 1)[:, :, None] * self.shape[2]
        flat = flat + columns.clamp(0, self.shape[2] - 1)[:, None, :]
        values = self.values * inside.to(self.values.dtype).unsqueeze(1).index_select(0, self.places)
        target = flat.flatten(1).index_select(0, self.places).unsqueeze(1).expand(-1, channels, -1)
        found = torch.zeros(count, channels, self.shape[1] * self.shape[2], dtype=values.dtype)
        # Elements outside stand on the image's edge, and add nothing to what is there.
        return found.scatter_add_(2, target, values.flatten(2)).flatten(1)


__all__ = ["Patches"]
