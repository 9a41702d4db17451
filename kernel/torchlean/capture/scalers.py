"""Scalers of scikit-learn and arrays that a program loads: `joblib.load(path)`, `numpy.load("scaler.npz")`.

The fitted attributes of a scaler (`mean_`, `scale_`, ...) are read from the file as data (`pickles`), and its class is
the stub of the same name, so that `(x - torch.tensor(scaler.mean_)) / torch.tensor(scaler.scale_)` and
`scaler.transform(x)` are ordinary code.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy
import torch

from torchlean.capture.loading import folders_of, loaded_value, path_of, weight_file
from torchlean.capture.pickles import Made, PickleError, read_pickle
from torchlean.capture.places import argument_span
from torchlean.capture.stub_modules import stub_module
from torchlean.capture.values import Instance, Unknown, Value, native

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

SCALERS = frozenset({"StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler"})
"""Scalers whose transform is an affine map of each column."""

LARGEST = 2**24
"""Bytes of a file: far more than the statistics of a million columns, and read in an instant."""


NESTED = 20
"""Depth of containers, and"""

PARTS = 10**5
"""number of parts, up to which a file's content becomes values."""


@native("joblib.load", unknowns=True)
def joblib_load(run: Interpreter, filename: Value, mmap_mode: Value = None, **options: Value) -> Value:
    """What `joblib.dump` wrote: a scaler, arrays, and containers of them."""
    span = argument_span(run, 0, "filename")
    name = path_of(run, filename, "joblib.load", span)
    if name is None:
        return Unknown("`joblib.load` of a path that is not known", run.place(), reported=True)
    try:
        return followed(run, read_pickle(small_file(run, name)))
    except PickleError as error:
        run.report("TL110", f"file `{name}` {error}", span=span)
        return Unknown(f"the file `{name}` could not be read", run.place(), reported=True)


@native("numpy.load", unknowns=True)
def numpy_load(run: Interpreter, file: Value, *arguments: Value, **options: Value) -> Value:
    """The arrays of an archive, by name; of other files nothing is known before the program runs."""
    if not isinstance(file, (str, os.PathLike)) or not os.fspath(file).endswith(".npz"):
        return Unknown("what `numpy.load` reads is only known when the program runs", reported=True)
    archive = weight_file(run, os.fspath(file), folders_of(run), argument_span(run, 0, "file"))
    if archive is None:
        return Unknown(f"the file `{file}` could not be read", run.place(), reported=True)
    return loaded_value(run, archive.content, "")


def _check_size(content: object, depth: int, left: list[int]) -> None:
    """Containers that hold themselves, or one another many times over, are small in a file and endless in memory.

    Raises:
        PickleError: there are more parts, or deeper ones, than a file of scalers has.
    """
    left[0] -= 1
    if depth < 0 or left[0] < 0:
        raise PickleError(f"holds more than {PARTS} parts, or containers nested more than {NESTED} times")
    parts = content.state if isinstance(content, Made) else content
    for part in (
        parts.values() if isinstance(parts, dict) else parts if isinstance(parts, (list, tuple)) else ()
    ):
        _check_size(part, depth - 1, left)


def small_file(run: Interpreter, name: str) -> bytes:
    """The content of the first such file in the folders that a program may mean.

    Raises:
        PickleError: there is none, or it is too large.
    """
    paths = [Path(os.path.normpath(os.path.join(folder, name))) for folder in folders_of(run)]
    for path in paths:
        run.dependencies[str(path)] = None
    found = [path for path in paths if path.is_file()]
    if not found:
        raise PickleError(f"does not exist; looked for {paths[0]}")
    path = found[0]
    try:
        if path.stat().st_size > LARGEST:
            raise PickleError(f"has more than the {LARGEST} bytes that TorchLean reads of such a file")
        return path.read_bytes()
    except OSError as error:
        raise PickleError(f"cannot be read: {error.strerror}") from error


def followed(run: Interpreter, content: object) -> Value:
    """The content of a file as values of the program.

    Raises:
        PickleError: it has too many parts.
    """
    _check_size(content, NESTED, [PARTS])
    return _followed(run, content)


def _followed(run: Interpreter, content: object) -> Value:
    if isinstance(content, numpy.ndarray):
        return run.emitter.parameter(torch.from_numpy(content), "")
    if isinstance(content, dict):
        return {key: _followed(run, item) for key, item in content.items()}
    if isinstance(content, (list, tuple)):
        return type(content)(_followed(run, item) for item in content)
    if isinstance(content, Made):
        return _scaler(run, content)
    if content is None or isinstance(content, (bool, int, float, str)):
        return content
    return Unknown(f"a {type(content).__name__} in a file is not followed")


def _scaler(run: Interpreter, made: Made) -> Value:
    from torchlean.capture.attributes import attribute
    from torchlean.capture.calling import call

    module = stub_module("sklearn.preprocessing")
    package = made.symbol.module.partition(".")[0]
    if package != "sklearn" or made.symbol.name not in SCALERS or module is None:
        return Unknown(f"a saved `{made.symbol}` is not followed", run.place())
    scaler = call(run, attribute(run, module, made.symbol.name), [], {})
    assert isinstance(scaler, Instance)
    for name, value in made.state.items():
        run.assign(scaler.attributes, name, _followed(run, value))
    run.assign(scaler.attributes, "fitted", True)
    return scaler
