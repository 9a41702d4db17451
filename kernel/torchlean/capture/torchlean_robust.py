"""`tl.robust`: a classifier keeps the class of every sample of a data file, however it is changed by up to `eps`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from torchlean.capture.families import FUNCTIONS, Batch, FamilyDefinition, new_family
from torchlean.capture.loading import calling_folder
from torchlean.capture.places import argument_span
from torchlean.capture.torchlean_api import (
    bad_domain,
    clip_ends,
    culprit,
    first_unknown,
    known_number,
    shown,
    written,
)
from torchlean.capture.values import Unknown, Value, native
from torchlean.capture.weights import WeightFileError
from torchlean.claims.errors import ArgumentError, DomainError, missing_data, not_a_network, not_a_path
from torchlean.claims.samples import Samples, balls, check_arrays, check_norm

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

POSITIONS = {"net": 0, "data": 1, "eps": 2}


@native("torchlean.robust", unknowns=True)
def robust(
    run: Interpreter, net: Value, data: Value, eps: Value, norm: Value = "linf", clip: Value = None
) -> FamilyDefinition | Unknown:
    """`tl.robust(net, data, eps, norm="linf", clip=None)`: see `torchlean.claims.api.robust`."""
    arguments = {"net": net, "data": data, "eps": eps, "norm": norm, "clip": clip}
    unknown = first_unknown(run, "robust", arguments, POSITIONS)
    if unknown is not None:
        return unknown
    if not isinstance(net, FUNCTIONS):
        return bad_domain(run, not_a_network(shown(net)), "net", POSITIONS)
    samples = read_samples(run, data, eps, norm, clip, labelled=True)
    if isinstance(samples, Unknown):
        return samples
    return new_family(run, "robust", batch=Batch(net, samples, str(data), argument_span(run, 1, "data")))


def read_samples(
    run: Interpreter,
    data: Value,
    eps: Value,
    norm: Value,
    clip: Value,
    labelled: bool,
    positions: Mapping[str, int] = POSITIONS,
) -> Samples | Unknown:
    """The balls around the samples of a data file; what is wrong is reported at the argument."""

    def wrong(message: str, argument: str | None) -> Unknown:
        return bad_domain(run, message, argument, positions)

    radius = known_number(run, eps)
    if radius is None:
        return wrong(f"the radius must be a number, got {shown(eps)}", "eps")
    try:
        ends = clip_ends(run, clip)
        x, y = _arrays(run, data, labelled)
        return balls(x, y, radius, check_norm(norm), ends, written(run))
    except ArgumentError as error:
        return wrong(str(error), error.argument)
    except DomainError as error:
        return wrong(str(error), culprit(str(error)))


def _arrays(run: Interpreter, data: Value, labelled: bool) -> tuple[Tensor, Tensor | None]:
    """The arrays of the file that `data` names, which becomes a dependency, present or not."""
    if not isinstance(data, (str, os.PathLike)):
        raise ArgumentError(not_a_path(shown(data)), "data")
    name = os.fspath(data)
    path = os.path.normpath(os.path.join(calling_folder(run), name))
    run.dependencies[path] = None
    try:
        return check_arrays(run.workspace.weights.read(path).tensors, name, labelled)
    except WeightFileError as error:
        if str(error) == "does not exist":
            raise ArgumentError(missing_data(name, path), "data") from error
        raise ArgumentError(f"data file `{name}` {error}", "data") from error
