"""`torchvision.transforms.v2.functional`: where it computes otherwise than `torchvision.transforms.functional`."""

import torch
from torchvision.transforms.functional import (
    InterpolationMode,
    Picture,
    center_crop,
    crop,
    float_to_whole,
    get_dimensions,
    hflip,
    largest,
    normalize,
    pad,
    pil_to_tensor,
    resized,
    vflip,
)

from torchlean.capture.intrinsics import in_script, unsupported

horizontal_flip = hflip
vertical_flip = vflip
get_size = get_dimensions


def to_image(inpt):
    """Pictures and arrays; a tensor stays what it is."""
    if isinstance(inpt, Picture):
        return pil_to_tensor(inpt)
    if not in_script():
        return inpt
    # Whether an array or a tensor is meant is not known of what a script reads: arrays have their channels last.
    return inpt.permute(2, 0, 1) if inpt.dim() == 3 and inpt.shape[-1] in (1, 3, 4) else inpt


def to_dtype(inpt, dtype=torch.float32, scale=False):
    """With `scale`, whole numbers are multiplied by the reciprocal of their greatest, which is not a division by it."""
    if isinstance(dtype, dict):
        return unsupported("a dtype for each kind of input is not followed")
    if inpt.dtype == dtype or not scale:
        return inpt.to(dtype)
    if inpt.dtype.is_floating_point:
        return inpt.to(dtype) if dtype.is_floating_point else float_to_whole(inpt, dtype)
    if not dtype.is_floating_point:
        return unsupported("whole numbers of one size as those of another are not followed")
    return inpt.to(dtype).mul(1.0 / largest(inpt.dtype))


def convert_image_dtype(image, dtype=torch.float32):
    return to_dtype(image, dtype, True)


def resize(inpt, size, interpolation=InterpolationMode.BILINEAR, max_size=None, antialias=True):
    """Bytes are averaged as bytes, in ways that depend on the machine; other whole numbers as float32 numbers."""
    return resized(
        inpt, size, interpolation, max_size, antialias, (torch.float32, torch.float64, torch.uint8)
    )


def rgb_to_grayscale(inpt, num_output_channels=1):
    if isinstance(inpt, Picture):
        return Picture(num_output_channels, inpt.height, inpt.width)
    grey = inpt
    if inpt.shape[-3] == 3:
        red, green, blue = inpt.unbind(-3)
        grey = red.mul(0.2989).add(green, alpha=0.587).add(blue, alpha=0.114)
        grey = grey.to(inpt.dtype).unsqueeze(-3)
    return grey.expand(*inpt.shape[:-3], num_output_channels, *inpt.shape[-2:])


to_grayscale = rgb_to_grayscale
