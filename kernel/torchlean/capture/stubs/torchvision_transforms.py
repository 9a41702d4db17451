"""`torchvision.transforms`: objects around the functions of `torchvision.transforms.functional`.

What draws at random is followed as far as it decides shape, dtype and range. What takes a tensor and gives one is a
module, as in torchvision, so that it can stand in a `Sequential`.
"""

import math

import torch
from torch import nn
from torchvision.transforms.functional import (
    InterpolationMode,
    Picture,
    center_crop,
    convert_image_dtype,
    get_dimensions,
    normalize,
    pad,
    pair,
    pil_to_tensor,
    resize,
    rgb_to_grayscale,
    to_tensor,
)

from torchlean.capture.intrinsics import any_of, data, numbers_of


def _sized(image, height, width):
    """An image of another size; what moves or mixes pixels keeps the range of the numbers."""
    if isinstance(image, Picture):
        return Picture(image.channels, height, width)
    return numbers_of(image, (*image.shape[:-2], height, width))


def _filled(image, height, width, fill=0):
    """An image of another size, parts of which may be filled with a constant."""
    sized = _sized(image, height, width)
    if isinstance(image, Picture):
        return sized
    if not isinstance(fill, (int, float)):
        return data(tuple(sized.shape), image.dtype, -math.inf, math.inf)
    return any_of([sized, torch.full_like(sized, fill)])


class Compose:
    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, img):
        for transform in self.transforms:
            img = transform(img)
        return img


class ToTensor:
    def __call__(self, pic):
        return to_tensor(pic)


class PILToTensor:
    def __call__(self, pic):
        return pil_to_tensor(pic)


class ConvertImageDtype(nn.Module):
    def __init__(self, dtype):
        super().__init__()
        self.dtype = dtype

    def forward(self, image):
        return convert_image_dtype(image, self.dtype)


class ToPILImage:
    def __init__(self, mode=None):
        self.mode = mode

    def __call__(self, pic):
        if pic.dim() == 2:
            return Picture(1, pic.shape[0], pic.shape[1])
        return Picture(pic.shape[0], pic.shape[1], pic.shape[2])


class Normalize(nn.Module):
    def __init__(self, mean, std, inplace=False):
        super().__init__()
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def forward(self, tensor):
        return normalize(tensor, self.mean, self.std, self.inplace)


class Resize(nn.Module):
    def __init__(self, size, interpolation=InterpolationMode.BILINEAR, max_size=None, antialias=True):
        super().__init__()
        self.size = size
        self.interpolation = interpolation
        self.max_size = max_size
        self.antialias = antialias

    def forward(self, img):
        return resize(img, self.size, self.interpolation, self.max_size, self.antialias)


Scale = Resize


class CenterCrop(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = pair(size)

    def forward(self, img):
        return center_crop(img, self.size)


class RandomCrop:
    def __init__(self, size, padding=None, pad_if_needed=False, fill=0, padding_mode="constant"):
        self.size = pair(size)
        self.fill = fill

    def __call__(self, img):
        return _filled(img, self.size[0], self.size[1], self.fill)


class RandomResizedCrop:
    def __init__(self, size, *args, **kwargs):
        self.size = pair(size)

    def __call__(self, img):
        return _sized(img, self.size[0], self.size[1])


class RandomSizedCrop(RandomResizedCrop):
    pass


class Pad(nn.Module):
    def __init__(self, padding, fill=0, padding_mode="constant"):
        super().__init__()
        self.padding = padding
        self.fill = fill
        self.padding_mode = padding_mode

    def forward(self, img):
        return pad(img, self.padding, self.fill, self.padding_mode)


class Grayscale(nn.Module):
    def __init__(self, num_output_channels=1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img):
        return rgb_to_grayscale(img, self.num_output_channels)


class Lambda:
    def __init__(self, lambd):
        self.lambd = lambd

    def __call__(self, img):
        return self.lambd(img)


class _Augmentation:
    """Moves or mixes the pixels of a picture, and keeps its size and the range of its numbers."""

    def __init__(self, *args, **kwargs):
        self.arguments = args

    def __call__(self, img):
        if isinstance(img, Picture):
            return img
        return _sized(img, img.shape[-2], img.shape[-1])


class RandomHorizontalFlip(_Augmentation):
    pass


class RandomVerticalFlip(_Augmentation):
    pass


class GaussianBlur(_Augmentation):
    pass


class _Turning:
    """Moves the pixels of a picture; what comes into view is filled."""

    def __init__(self, *args, fill=0, **kwargs):
        self.fill = fill

    def __call__(self, img):
        _, height, width = get_dimensions(img)
        return _filled(img, height, width, self.fill)


class RandomRotation(_Turning):
    pass


class RandomAffine(_Turning):
    pass


class RandomPerspective(_Turning):
    pass


class RandomGrayscale(_Turning):
    """Its weights add up to a little less than one: numbers move towards zero."""


class RandomErasing:
    def __init__(self, p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False):
        self.value = value

    def __call__(self, img):
        _, height, width = get_dimensions(img)
        return _filled(img, height, width, self.value)


class _Recolouring:
    """Ends in the range of the dtype, [0, 1] or [0, 255]."""

    def __init__(self, *args, **kwargs):
        self.arguments = args

    def __call__(self, img):
        if isinstance(img, Picture):
            return img
        return data(tuple(img.shape), img.dtype, 0, 1 if img.dtype.is_floating_point else 255)


class ColorJitter(_Recolouring):
    pass


class AutoAugment(_Recolouring):
    pass


class RandAugment(_Recolouring):
    pass


class TrivialAugmentWide(_Recolouring):
    pass


def _one_of(images):
    """One of several: pictures have one size, or it is not known which."""
    if all(isinstance(image, Picture) for image in images):
        return images[0] if len({image.size for image in images}) == 1 else any_of(images)
    return any_of(images)


class RandomApply:
    def __init__(self, transforms, p=0.5):
        self.transforms = transforms

    def __call__(self, img):
        changed = img
        for transform in self.transforms:
            changed = transform(changed)
        return _one_of([img, changed])


class RandomChoice:
    def __init__(self, transforms, p=None):
        self.transforms = transforms

    def __call__(self, img):
        return _one_of([transform(img) for transform in self.transforms])


class RandomOrder(Compose):
    pass
