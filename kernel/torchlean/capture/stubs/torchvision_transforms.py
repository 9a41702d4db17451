"""`torchvision.transforms`, as far as they decide shape, dtype and range of an image tensor.

A picture that has not been read is a `Picture`: its size, and nothing of its content. `ToTensor` makes it a tensor in
[0, 1]; what comes after that is arithmetic on a tensor.
"""

import math

import torch

from torchlean.capture.intrinsics import any_of, data, numbers_of


class Picture:
    """A `PIL.Image` that is read when the program runs; its tensor has `channels` x `height` x `width`."""

    def __init__(self, channels, height, width):
        self.channels = channels
        self.height = height
        self.width = width
        self.mode = "L" if channels == 1 else "RGB"
        self.size = (width, height)

    def convert(self, mode=None):
        return Picture(1 if mode in ("L", "1") else 3, self.height, self.width)

    def resize(self, size, *args, **kwargs):
        return Picture(self.channels, size[1], size[0])

    def crop(self, box):
        return Picture(self.channels, box[3] - box[1], box[2] - box[0])

    def copy(self):
        return self

    def close(self):
        return None

    def transpose(self, method):
        return self

    def rotate(self, angle, *args, **kwargs):
        return self

    def filter(self, kernel):
        return self


def _pair(size):
    if isinstance(size, (tuple, list)):
        return (size[0], size[0]) if len(size) == 1 else (size[0], size[1])
    return (size, size)


def _shape(image):
    if isinstance(image, Picture):
        return image.channels, image.height, image.width
    return tuple(image.shape[-3:])


def _sized(image, height, width):
    """An image of another size; interpolation keeps the range of the numbers."""
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
        if isinstance(pic, Picture):
            return data((pic.channels, pic.height, pic.width), torch.float32, 0.0, 1.0)
        if pic.dim() == 2:
            pic = pic[:, :, None]
        image = pic.permute(2, 0, 1)
        return image.float() / 255 if image.dtype == torch.uint8 else image


class PILToTensor:
    def __call__(self, pic):
        return data((pic.channels, pic.height, pic.width), torch.uint8, 0, 255)


class ToImage(PILToTensor):
    pass


class ConvertImageDtype:
    def __init__(self, dtype=torch.float32):
        self.dtype = dtype

    def __call__(self, image):
        if image.dtype == torch.uint8 and self.dtype.is_floating_point:
            return image.to(self.dtype) / 255
        return image.to(self.dtype)


class ToDtype:
    def __init__(self, dtype, scale=False):
        self.dtype = dtype
        self.scale = scale

    def __call__(self, image):
        if self.scale and image.dtype == torch.uint8 and self.dtype.is_floating_point:
            return image.to(self.dtype) / 255
        return image.to(self.dtype)


class ToPILImage:
    def __init__(self, mode=None):
        self.mode = mode

    def __call__(self, pic):
        if pic.dim() == 2:
            return Picture(1, pic.shape[0], pic.shape[1])
        return Picture(pic.shape[0], pic.shape[1], pic.shape[2])


class Normalize:
    def __init__(self, mean, std, inplace=False):
        self.mean = mean
        self.std = std

    def __call__(self, tensor):
        mean = torch.as_tensor(self.mean, dtype=tensor.dtype).view(-1, 1, 1)
        std = torch.as_tensor(self.std, dtype=tensor.dtype).view(-1, 1, 1)
        return (tensor - mean) / std


class Resize:
    def __init__(self, size, *args, **kwargs):
        self.size = size

    def __call__(self, img):
        if isinstance(self.size, (tuple, list)) and len(self.size) == 2:
            return _sized(img, self.size[0], self.size[1])
        edge = _pair(self.size)[0]
        _, height, width = _shape(img)
        if height <= width:
            return _sized(img, edge, int(edge * width / height))
        return _sized(img, int(edge * height / width), edge)


Scale = Resize


class CenterCrop:
    """Around an image that is too small there are zeros."""

    fill = 0

    def __init__(self, size):
        self.size = _pair(size)

    def __call__(self, img):
        return _filled(img, self.size[0], self.size[1], self.fill)


class RandomCrop(CenterCrop):
    def __init__(self, size, padding=None, pad_if_needed=False, fill=0, padding_mode="constant"):
        self.size = _pair(size)
        self.fill = fill


class RandomResizedCrop:
    def __init__(self, size, *args, **kwargs):
        self.size = _pair(size)

    def __call__(self, img):
        return _sized(img, self.size[0], self.size[1])


class RandomSizedCrop(RandomResizedCrop):
    pass


class Pad:
    def __init__(self, padding, fill=0, padding_mode="constant"):
        self.padding = padding
        self.fill = fill

    def __call__(self, img):
        pads = self.padding if isinstance(self.padding, (tuple, list)) else (self.padding,)
        left, top, right, bottom = (pads * 4)[:4] if len(pads) != 2 else (pads * 2)
        _, height, width = _shape(img)
        return _filled(img, height + top + bottom, width + left + right, self.fill)


class Grayscale:
    def __init__(self, num_output_channels=1):
        self.num_output_channels = num_output_channels

    def __call__(self, img):
        if isinstance(img, Picture):
            return Picture(self.num_output_channels, img.height, img.width)
        return img.mean(-3, keepdim=True).expand(self.num_output_channels, -1, -1)


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
        _, height, width = _shape(img)
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
        _, height, width = _shape(img)
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
