"""Tensors of a followed program, and the memory that they share."""

from __future__ import annotations

import weakref
from typing import Any

import torch

from torchlean.ops import TensorType


class Storage:
    """The memory that a tensor and its views share; `perhaps` are memories of which it may be one."""

    __slots__ = ("__weakref__", "handles", "perhaps")

    def __init__(self) -> None:
        self.handles: weakref.WeakSet[TensorValue] = weakref.WeakSet()
        self.perhaps: weakref.WeakSet[Storage] | None = None

    def may_be(self, other: Storage) -> None:
        """Which of the two a tensor lies in depends on a condition that is not known."""
        for one, another in ((self, other), (other, self)):
            one.perhaps = weakref.WeakSet() if one.perhaps is None else one.perhaps
            one.perhaps.add(another)


class TensorValue:
    """A tensor: the node of the graph that holds its value now.

    The handle is what Python's names share, so an in-place operation moves `node` and every name sees it.

    Attributes:
        node: id in the file's graph.
        type: shape and dtype of that node.
        storage: the memory, shared with views.
        attributes: what the program or torch itself sets on a tensor object (`requires_grad`, `grad`).
        parameter: made by `nn.Parameter`.
        base: the tensor of which it is a view for certain: its node is that of `base` behind ops of views (`views`).
        dense: its elements certainly lie in row-major order without gaps, if it has no base.
    """

    __slots__ = ("__weakref__", "attributes", "base", "dense", "node", "parameter", "storage", "type")

    def __init__(self, node: int, type: TensorType, storage: Storage | None = None) -> None:
        self.node = node
        self.type = type
        self.storage = storage if storage is not None else Storage()
        self.storage.handles.add(self)
        self.parameter = False
        self.base: TensorValue | None = None
        self.dense = False
        self.attributes: dict[str, Any] | None = None

    def shares(self, storage: Storage) -> None:
        """From now on this tensor lies in that memory."""
        if storage is not self.storage:
            self.storage.handles.discard(self)
            self.storage = storage
            storage.handles.add(self)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.type.shape

    @property
    def dtype(self) -> torch.dtype:
        return self.type.dtype

    def __repr__(self) -> str:
        return f"tensor {self.type}"
