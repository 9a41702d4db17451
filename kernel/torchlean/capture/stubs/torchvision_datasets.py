"""`torchvision.datasets`: the size, number of channels and classes of well-known collections of pictures.

Nothing is downloaded or read. A sample is a picture of the documented size and a label below the number of classes.
"""

import math

import torch
from torchvision.transforms import Picture

from torchlean.capture.intrinsics import any_integer, data, unknown

_LABEL = "a label of the data set"


class _Pictures:
    """Attributes of the class: how many samples there are for training and for testing, their shape, the classes."""

    counts = (50000, 10000)
    shape = (3, 32, 32)
    labels = (0, 9)

    def __init__(
        self, root=None, train=True, transform=None, target_transform=None, download=False, **options
    ):
        self.root = root
        self.train = train
        self.transform = transform
        self.target_transform = target_transform
        self.classes = [str(label) for label in range(self.labels[1] - self.labels[0] + 1)]
        self.class_to_idx = {name: index for index, name in enumerate(self.classes)}

    def __len__(self):
        return self.counts[0] if self.train else self.counts[1]

    def __getitem__(self, index):
        image = Picture(self.shape[0], self.shape[1], self.shape[2])
        target = any_integer(self.labels[0], self.labels[1], _LABEL)
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    @property
    def targets(self):
        return data((len(self),), torch.int64, self.labels[0], self.labels[1], "labels")

    @property
    def data(self):
        return unknown("the pictures of a whole data set are not followed")

    train_labels = targets
    test_labels = targets
    train_data = data
    test_data = data


class MNIST(_Pictures):
    counts = (60000, 10000)
    shape = (1, 28, 28)


class FashionMNIST(MNIST):
    pass


class KMNIST(MNIST):
    pass


class QMNIST(MNIST):
    pass


class EMNIST(MNIST):
    def __init__(self, root, split, **options):
        self.labels = {"letters": (1, 26), "balanced": (0, 46), "byclass": (0, 61), "bymerge": (0, 46)}.get(
            split, (0, 9)
        )
        super().__init__(root, **options)


class USPS(_Pictures):
    counts = (7291, 2007)
    shape = (1, 16, 16)


class CIFAR10(_Pictures):
    pass


class CIFAR100(_Pictures):
    labels = (0, 99)


class _Split(_Pictures):
    def __init__(self, root, split="train", transform=None, target_transform=None, download=False, **options):
        super().__init__(root, split.startswith("train"), transform, target_transform, download)
        self.split = split


class SVHN(_Split):
    counts = (73257, 26032)


class STL10(_Split):
    counts = (5000, 8000)
    shape = (3, 96, 96)


class Flowers102(_Split):
    counts = (1020, 6149)
    shape = (3, 500, 500)
    labels = (0, 101)


class ImageNet(_Split):
    counts = (1281167, 50000)
    shape = (3, 500, 500)
    labels = (0, 999)


class CelebA(_Pictures):
    """Its labels are forty attributes, each 0 or 1."""

    counts = (162770, 19962)
    shape = (3, 218, 178)

    def __init__(
        self, root, split="train", target_type="attr", transform=None, target_transform=None, download=False
    ):
        super().__init__(root, split == "train", transform, target_transform, download)

    def __getitem__(self, index):
        image, _ = super().__getitem__(index)
        return image, data((40,), torch.int64, 0, 1, "labels")


class ImageFolder(_Pictures):
    """A folder per class: neither how many there are nor how large the pictures are is known.

    A program that makes batches of them brings them to one size first, which then is the size here.
    """

    shape = (3, 256, 256)

    def __init__(
        self,
        root,
        transform=None,
        target_transform=None,
        loader=None,
        is_valid_file=None,
        allow_empty=False,
    ):
        self.root = root
        self.transform = transform
        self.target_transform = target_transform
        self.labels = (0, math.inf)
        self.classes = unknown("the folders of a data set are listed when the program runs")
        self.class_to_idx = self.classes
        self.imgs = self.classes
        self.samples = self.classes

    def __len__(self):
        return any_integer(1, math.inf, "the number of pictures in a folder")


class DatasetFolder(ImageFolder):
    pass


class LSUN(ImageFolder):
    def __init__(self, root, classes="train", transform=None, target_transform=None):
        super().__init__(root, transform, target_transform)


class FakeData(_Pictures):
    def __init__(
        self,
        size=1000,
        image_size=(3, 224, 224),
        num_classes=10,
        transform=None,
        target_transform=None,
        random_offset=0,
    ):
        self.counts = (size, size)
        self.shape = image_size
        self.labels = (0, num_classes - 1)
        super().__init__(None, True, transform, target_transform)
