"""Boxes and trees as bytes, for processes on this machine and on others.

Tensors left to pickle would go through torch's own reducers: in a pipe between processes these pass a file descriptor
for each tensor, which a killed process leaves dangling; elsewhere they write an archive for each tensor. Arrays of
numpy cost a hundred bytes beyond their numbers.

Where relus are cut, boxes hardly differ: they have the inputs of the whole domain and its intermediate bounds but for
the elements that were cut, and slopes of clauses that were shown early are those of the box they all came from. So a
tensor whose rows are mostly alike is sent as its first row and what differs from that.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from torch import Tensor

from torchlean.bounds.branching.boxes import Boxes

Array = np.ndarray[Any, np.dtype[Any]]

SPARSE = 4
"""Only what differs is sent where that is fewer than one value in this many: each costs 4 bytes for its place."""


@dataclass(frozen=True, eq=False, slots=True)
class _Rows:
    """Rows that are mostly like the first: `values` stand at the flat places `places`."""

    first: Array
    count: int
    places: Array
    values: Array


@dataclass(frozen=True, eq=False, slots=True)
class _Columns:
    """The fields of `Boxes`."""

    fields: Mapping[str, Array | _Rows | dict[int, Array | _Rows]]


def packed(*values: object) -> bytes:
    """Values that pickle knows, and `Boxes` among them."""
    plain = [_columns(value) if isinstance(value, Boxes) else value for value in values]
    return pickle.dumps((version("torchlean"), plain), pickle.HIGHEST_PROTOCOL)


def unpacked(content: bytes) -> list[object]:
    """The values that were packed.

    Raises:
        ValueError: by another version, whose boxes may be of other fields.
    """
    theirs, values = pickle.loads(content)
    own = version("torchlean")
    if theirs != own:
        raise ValueError(f"TorchLean {own} cannot work together with TorchLean {theirs}")
    return [_boxes(value) if isinstance(value, _Columns) else value for value in values]


def _columns(boxes: Boxes) -> _Columns:
    columns: dict[str, Array | _Rows | dict[int, Array | _Rows]] = {}
    for field in fields(Boxes):
        value = getattr(boxes, field.name)
        if isinstance(value, Tensor):
            columns[field.name] = _thinned(value)
        else:
            columns[field.name] = {id: _thinned(tensor) for id, tensor in value.items()}
    return _Columns(columns)


def _boxes(columns: _Columns) -> Boxes:
    values: dict[str, Any] = {
        name: {id: _restored(rows) for id, rows in value.items()}
        if isinstance(value, dict)
        else _restored(value)
        for name, value in columns.fields.items()
    }
    return Boxes(**values)


def _thinned(tensor: Tensor) -> Array | _Rows:
    rows: Array = tensor.numpy()
    if len(rows) < 2:
        return np.ascontiguousarray(rows)
    places = np.flatnonzero(rows != rows[:1])
    if len(places) * SPARSE >= rows.size or rows.size > np.iinfo(np.uint32).max:
        return np.ascontiguousarray(rows)
    return _Rows(rows[:1].copy(), len(rows), places.astype(np.uint32), rows.reshape(-1)[places])


def _restored(rows: Array | _Rows) -> Tensor:
    if not isinstance(rows, _Rows):
        return torch.from_numpy(rows)
    full = np.repeat(rows.first, rows.count, axis=0)
    full.reshape(-1)[rows.places] = rows.values
    return torch.from_numpy(full)
