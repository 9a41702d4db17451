"""`tl.robust` at run time: the claims about the samples of a data file, each of which can be run and sampled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torchlean.claims.api import Claim, resolve
from torchlean.claims.errors import DomainError, missing_data, not_a_network, not_a_path, not_scores
from torchlean.claims.plain import known_number, pair_of
from torchlean.claims.samples import balls, check_arrays, check_classes, check_norm

if TYPE_CHECKING:
    from torch import Tensor

    from torchlean.claims.samples import Samples


class MissingFileError(DomainError, FileNotFoundError):
    """There is no such data file."""


Network = Callable[["Tensor"], "Tensor"]


class Robust:
    """One claim for each sample: `safe[0]`, `safe[1]`, ... Made by `torchlean.robust`.

    Attributes:
        net: called on batches of samples.
        samples: the region around each, and its label.
    """

    def __init__(self, net: Network, samples: Samples, file: str) -> None:
        self.net = net
        self.samples = samples
        self._file = file

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Claim[Any, Any]]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"<robust({self.samples!r})>"

    def __getitem__(self, index: int) -> Claim[Any, Any]:
        """The claim about one sample, a function of a batch of one.

        Raises:
            IndexError: there is no such sample.
            DomainError: when the claim is run, a label that is no class of the network.
        """
        place = range(len(self))[index]
        samples = self.samples
        domain = replace(samples.domain(place), shape=(1, *samples.shape))

        def keeps_its_class(x: Tensor) -> bool:
            return self._holds(place, x)

        keeps_its_class.__name__ = f"robust[{place}]"
        return Claim(keeps_its_class, {"x": domain})

    def _holds(self, place: int, x: Tensor) -> bool:
        """Whether the sample's class scores above each other one at `x`, or `x` is outside of its Euclidean ball."""
        samples = self.samples
        assert samples.labels is not None, "robustness is asked of labelled samples"
        if samples.radius is not None:
            away = x.double() - samples.centers[place]
            if float(away.flatten().norm()) > samples.radius:
                return True
        scores = self._scores(x)
        check_classes(samples.labels[place : place + 1], len(scores), self._file, place)
        label = int(samples.labels[place])
        others = [scores[other] for other in range(len(scores)) if other != label]
        return all(bool(scores[label] > other) for other in others)

    def _scores(self, x: Tensor) -> Tensor:
        """Of the classes, (classes,)."""
        import torch  # loaded by whoever has a sample to give

        scores: object = self.net(x)
        if not isinstance(scores, torch.Tensor):
            raise DomainError(not_scores(repr(scores), tuple(x.shape)))
        shape = tuple(scores.shape)
        if len(shape) != 2 or shape[0] != 1 or shape[1] < 2 or not scores.is_floating_point():
            got = f"a tensor {shape} {str(scores.dtype).removeprefix('torch.')}"
            raise DomainError(not_scores(got, tuple(x.shape)))
        return scores[0]


def robust(net: object, data: object, eps: object, norm: object, clip: object, source: str) -> Robust:
    """See `torchlean.robust`; `source` is the file that calls it."""
    if not callable(net):
        raise DomainError(not_a_network(repr(net)))
    samples, file = read_samples(data, eps, norm, clip, source, labelled=True)
    return Robust(net, samples, file)


def read_samples(
    data: object, eps: object, norm: object, clip: object, source: str, labelled: bool
) -> tuple[Samples, str]:
    """The balls around the samples of a data file, and how messages call the file.

    Raises:
        DomainError: an argument or the file's content makes no sense; where there is no such file it is a
            FileNotFoundError too.
    """
    from torchlean.capture.weights import WeightFileError, read_weights

    radius = known_number(eps)
    if radius is None:
        raise DomainError(f"the radius must be a number, got {eps!r}")
    ends = None if clip is None else pair_of(clip)
    if not isinstance(data, (str, Path)):
        raise DomainError(not_a_path(repr(data)))
    name, path = str(data), resolve(data, source)
    if not path.exists():
        raise MissingFileError(missing_data(name, str(path)))
    try:
        tensors = read_weights(str(path)).tensors
    except WeightFileError as error:
        raise DomainError(f"data file `{name}` {error}") from error
    x, y = check_arrays(tensors, name, labelled)
    text = f"ball({name!r}, eps={radius:g}, norm={norm!r})"
    return balls(x, y, radius, check_norm(norm), ends, text), name
