"""`tensorflow.examples.tutorials.mnist`: the reader of MNIST that many old programs use, also those for torch."""

import torch

from torchlean.capture.intrinsics import data, unknown

_PIXELS = 784


class _Array:
    """A whole array that is not looked into: its shape."""

    def __init__(self, *shape):
        self.shape = shape

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, index):
        return unknown("the pictures of a whole data set are not followed")


class _Part:
    """Rows are pictures with numbers in [0, 1]; labels are numbers of classes, or rows with a single 1."""

    def __init__(self, count, one_hot):
        self.num_examples = count
        self.one_hot = one_hot
        self.images = _Array(count, _PIXELS)
        self.labels = _Array(count, 10) if one_hot else _Array(count)

    def next_batch(self, batch_size, fake_data=False, shuffle=True):
        images = data((batch_size, _PIXELS), torch.float32, 0.0, 1.0)
        if self.one_hot:
            return images, data((batch_size, 10), torch.float64, 0.0, 1.0, "labels")
        return images, data((batch_size,), torch.uint8, 0, 9, "labels")


class _DataSets:
    def __init__(self, one_hot):
        self.train = _Part(55000, one_hot)
        self.validation = _Part(5000, one_hot)
        self.test = _Part(10000, one_hot)


class input_data:
    @staticmethod
    def read_data_sets(train_dir, fake_data=False, one_hot=False, **options):
        return _DataSets(one_hot)
