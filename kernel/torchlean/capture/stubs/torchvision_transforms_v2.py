"""`torchvision.transforms.v2`: where it computes otherwise than `torchvision.transforms`, and the rest from there."""

import torch
from torch import nn
from torchvision.transforms import (
    AutoAugment,
    CenterCrop,
    ColorJitter,
    Compose,
    GaussianBlur,
    InterpolationMode,
    Lambda,
    Normalize,
    Pad,
    PILToTensor,
    RandAugment,
    RandomAffine,
    RandomApply,
    RandomChoice,
    RandomCrop,
    RandomErasing,
    RandomGrayscale,
    RandomHorizontalFlip,
    RandomOrder,
    RandomPerspective,
    RandomResizedCrop,
    RandomRotation,
    RandomVerticalFlip,
    ToPILImage,
    ToTensor,
    TrivialAugmentWide,
)
from torchvision.transforms.v2.functional import resize, rgb_to_grayscale, to_dtype, to_image


class ToImage(nn.Module):
    def forward(self, inpt):
        return to_image(inpt)


class ToPureTensor(nn.Module):
    def forward(self, inpt):
        return inpt


class Identity(ToPureTensor):
    pass


class ToDtype(nn.Module):
    def __init__(self, dtype, scale=False):
        super().__init__()
        self.dtype = dtype
        self.scale = scale

    def forward(self, inpt):
        return to_dtype(inpt, self.dtype, self.scale)


class ConvertImageDtype(ToDtype):
    def __init__(self, dtype=torch.float32):
        super().__init__(dtype, scale=True)


class Resize(nn.Module):
    def __init__(self, size, interpolation=InterpolationMode.BILINEAR, max_size=None, antialias=True):
        super().__init__()
        self.size = size
        self.interpolation = interpolation
        self.max_size = max_size
        self.antialias = antialias

    def forward(self, img):
        return resize(img, self.size, self.interpolation, self.max_size, self.antialias)


class Grayscale(nn.Module):
    def __init__(self, num_output_channels=1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img):
        return rgb_to_grayscale(img, self.num_output_channels)
