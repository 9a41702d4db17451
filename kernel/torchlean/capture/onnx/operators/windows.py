"""The windows of convolutions and pooling: kernel, strides, dilations, and the padding that `auto_pad` asks for."""

from __future__ import annotations

from dataclasses import dataclass

from torchlean.capture.onnx.call import Call
from torchlean.capture.onnx.emitter import Value
from torchlean.ops import ShapeError, UnsupportedError

Sizes = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """One number per dimension for each of these.

    Attributes:
        before, after: padding at both ends.
    """

    kernel: Sizes
    strides: Sizes
    dilations: Sizes
    before: Sizes
    after: Sizes

    @staticmethod
    def of(call: Call, sizes: Sizes, kernel: Sizes | None = None, *, growing: bool = False) -> Window:
        """What the node's attributes say.

        Args:
            sizes: of the image.
            kernel: of the weight; None where the attribute alone states it.
            growing: for a transposed convolution, to which `auto_pad` means something else: left to the caller.
        """
        rank = len(sizes)
        stated = call.integers("kernel_shape")
        kernel = stated if kernel is None else kernel
        if kernel is None or len(kernel) != rank or (stated is not None and stated != kernel):
            raise ShapeError(f"kernel_shape {stated} does not fit an image of {sizes} and a kernel {kernel}")
        strides, dilations = _positive(call, "strides", rank), _positive(call, "dilations", rank)
        if any(size < 1 for size in kernel):
            raise ShapeError(f"the kernel {kernel} has no elements")
        before, after = _padding(call, sizes, kernel, strides, dilations, growing)
        return Window(kernel, strides, dilations, before, after)

    def extents(self) -> Sizes:
        """How many places the window spans in each dimension."""
        return tuple(d * (k - 1) + 1 for d, k in zip(self.dilations, self.kernel, strict=True))


def _positive(call: Call, name: str, rank: int) -> Sizes:
    given = call.integers(name)
    sizes = (1,) * rank if given is None else given
    if len(sizes) != rank or any(size < 1 for size in sizes):
        raise ShapeError(f"its attribute `{name}` must be {rank} positive integers, it is {sizes}")
    return sizes


def _padding(
    call: Call, sizes: Sizes, kernel: Sizes, strides: Sizes, dilations: Sizes, growing: bool
) -> tuple[Sizes, Sizes]:
    rank = len(sizes)
    mode, pads = call.text("auto_pad", "NOTSET"), call.integers("pads")
    if mode == "NOTSET":
        pads = (0,) * (2 * rank) if pads is None else pads
        if len(pads) != 2 * rank or any(size < 0 for size in pads):
            raise ShapeError(f"its attribute `pads` must be {2 * rank} sizes, it is {pads}")
        return pads[:rank], pads[rank:]
    if mode == "VALID":
        return (0,) * rank, (0,) * rank
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise UnsupportedError(f"auto_pad {mode!r} is not supported")
    if growing:
        return (0,) * rank, (0,) * rank
    # As many windows as strides fit, rounded up; an odd place goes to the named end.
    totals = [
        (-(-size // s) - 1) * s + d * (k - 1) + 1 - size
        for size, k, s, d in zip(sizes, kernel, strides, dilations, strict=True)
    ]
    if min(totals) < 0:
        # The standard's formula then cuts; not every runtime follows it.
        raise UnsupportedError(
            f"auto_pad {mode!r} with strides {strides} beyond the windows is not supported"
        )
    less, more = tuple(t // 2 for t in totals), tuple(t - t // 2 for t in totals)
    return (less, more) if mode == "SAME_UPPER" else (more, less)


def padded(call: Call, x: Value, window: Window) -> tuple[Value, Sizes]:
    """The image with the padding that an op cannot be given, because its ends differ, and the padding that it can."""
    if window.before == window.after:
        return x, window.before
    return grown(call, x, window.before, window.after), (0,) * len(window.before)


def grown(call: Call, x: Value, before: Sizes, after: Sizes, mode: str = "constant") -> Value:
    """Zeros, or copies of the outermost elements (`replicate`), around the image."""
    pairs = list(zip(before, after, strict=True))
    pad = tuple(size for pair in reversed(pairs) for size in pair)
    return x if not any(pad) else call.emit("pad", x, pad=pad, mode=mode, value=None)
