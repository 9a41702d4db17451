"""`torch.utils.data`: a loader gives batches like the ones that one sample describes.

A sample is what the data set's own `__getitem__` makes of an index that may be any of its own.
"""

import math

from torchlean.capture.intrinsics import any_integer, any_of, collated, stream, unknown

_SAMPLE = "which sample of the data set this is"


class Dataset:
    def __getitem__(self, index):
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other):
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    def __iter__(self):
        return stream(lambda: unknown("the items of an iterable data set"), "an iterable data set")


class TensorDataset(Dataset):
    def __init__(self, *tensors):
        if any(tensors[0].size(0) != tensor.size(0) for tensor in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index):
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self):
        return self.tensors[0].size(0)


class Subset(Dataset):
    def __init__(self, dataset, indices):
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index):
        return self.dataset[any_integer(0, math.inf, _SAMPLE)]

    def __len__(self):
        return len(self.indices)


class ConcatDataset(Dataset):
    def __init__(self, datasets):
        self.datasets = list(datasets)

    def __getitem__(self, index):
        return any_of([dataset[any_integer(0, math.inf, _SAMPLE)] for dataset in self.datasets])

    def __len__(self):
        return sum(len(dataset) for dataset in self.datasets)


class ChainDataset(ConcatDataset):
    pass


class StackDataset(Dataset):
    def __init__(self, *datasets):
        self.datasets = datasets

    def __getitem__(self, index):
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self):
        return len(self.datasets[0])


def random_split(dataset, lengths, generator=None):
    parts = []
    for length in lengths:
        if isinstance(length, float):
            length = int(len(dataset) * length)
        parts.append(Subset(dataset, range(length)))
    return parts


class Sampler:
    def __init__(self, data_source=None, *args, **kwargs):
        self.data_source = data_source

    def __iter__(self):
        return stream(lambda: any_integer(0, math.inf, _SAMPLE), "a sampler")


class SequentialSampler(Sampler):
    pass


class RandomSampler(Sampler):
    pass


class SubsetRandomSampler(Sampler):
    pass


class WeightedRandomSampler(Sampler):
    pass


class BatchSampler(Sampler):
    def __init__(self, sampler, batch_size, drop_last=False):
        self.sampler = sampler
        self.batch_size = batch_size


def default_collate(batch):
    return collated(batch[0], len(batch))


default_convert = default_collate

_MANY = 32
"""Samples that a program's own `collate_fn` is given one by one; a larger batch would take too long."""


class DataLoader:
    def __init__(
        self,
        dataset,
        batch_size=1,
        shuffle=None,
        sampler=None,
        batch_sampler=None,
        num_workers=0,
        collate_fn=None,
        pin_memory=False,
        drop_last=False,
        timeout=0,
        worker_init_fn=None,
        multiprocessing_context=None,
        generator=None,
        **options,
    ):
        self.dataset = dataset
        self.batch_size = batch_size
        if batch_sampler is not None and isinstance(batch_sampler, BatchSampler):
            self.batch_size = batch_sampler.batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn

    def __len__(self):
        if self.batch_size is None:
            return len(self.dataset)
        count = len(self.dataset)
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def __iter__(self):
        return stream(self._batch, "the batches of a data loader")

    def _sample(self):
        if isinstance(self.dataset, (list, tuple)):
            return self.dataset[0] if len(self.dataset) == 1 else any_of(self.dataset)
        if isinstance(self.dataset, IterableDataset):
            return next(iter(self.dataset))
        return self.dataset[any_integer(0, math.inf, _SAMPLE)]

    def _batch(self):
        if self.batch_size is None:
            return self._sample()
        if self.collate_fn is not None and self.collate_fn is not default_collate:
            return self.collate_fn([self._sample() for _ in range(min(self.batch_size, _MANY))])
        return collated(self._sample(), self.batch_size)
