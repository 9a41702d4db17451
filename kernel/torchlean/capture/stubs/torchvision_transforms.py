"""`torchvision.transforms`, as far as they decide shape, dtype and range of an image tensor.

A picture that has not been read is a `Picture`: its size, and nothing of its content. `ToTensor` makes it a tensor in
[0, 1]; what comes after that is arithmetic on a tensor.
"""

import torch

from torchlean.capture.intrinsics import data


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
    rest = tuple(image.shape[:-2])
    lowest, highest = image.min(), image.max()
    return lowest + (highest - lowest) * data((*rest, height, width), image.dtype, 0.0, 1.0)


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
    def __init__(self, size, *args, **kwargs):
        self.size = _pair(size)

    def __call__(self, img):
        return _sized(img, self.size[0], self.size[1])


class RandomCrop(CenterCrop):
    pass


class RandomResizedCrop(CenterCrop):
    pass


class RandomSizedCrop(CenterCrop):
    pass


class Pad:
    def __init__(self, padding, *args, **kwargs):
        self.padding = padding

    def __call__(self, img):
        pads = self.padding if isinstance(self.padding, (tuple, list)) else (self.padding,)
        left, top, right, bottom = (pads * 4)[:4] if len(pads) != 2 else (pads * 2)
        _, height, width = _shape(img)
        return _sized(img, height + top + bottom, width + left + right)


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


class RandomRotation(_Augmentation):
    pass


class RandomAffine(_Augmentation):
    pass


class RandomPerspective(_Augmentation):
    pass


class ColorJitter(_Augmentation):
    pass


class GaussianBlur(_Augmentation):
    pass


class RandomGrayscale(_Augmentation):
    pass


class RandomErasing(_Augmentation):
    pass


class AutoAugment(_Augmentation):
    pass


class RandAugment(_Augmentation):
    pass


class TrivialAugmentWide(_Augmentation):
    pass


class RandomApply:
    def __init__(self, transforms, p=0.5):
        self.transforms = transforms

    def __call__(self, img):
        return img


class RandomChoice:
    def __init__(self, transforms, p=None):
        self.transforms = transforms

    def __call__(self, img):
        return self.transforms[0](img)


class RandomOrder(Compose):
    pass
