"""Tensors that hold one slice for all places along a dimension (stride 0): batches of data of which only the range is
known, weights between the same two ends. What is made of one slice is made of all of them."""

from __future__ import annotations

from collections.abc import Callable, Collection

from torch import Tensor

from torchlean.intervals.interval import Interval


def repeats(tensor: Tensor, dim: int) -> bool:
    """Whether all slices along `dim` are the same memory; so is a single one."""
    return bool(tensor.stride(dim) == 0 or tensor.shape[dim] == 1)


def one_of_each(tensor: Tensor, dims: Collection[int] | None = None) -> Tensor:
    """The first slice along each dimension that repeats, of size 1: what `expand` makes the tensor of again.

    Args:
        dims: those to look at; default: all.
    """
    if 0 not in tensor.stride():
        return tensor
    for dim in range(tensor.dim()) if dims is None else dims:
        if tensor.shape[dim] > 1 and tensor.stride(dim) == 0:
            tensor = tensor.narrow(dim, 0, 1)
    return tensor


def by_slices(function: Callable[..., Tensor], *tensors: Tensor) -> Tensor:
    """`function`, which works element by element, of tensors of one shape: computed once where all of them repeat."""
    if 0 not in tensors[0].stride():
        return function(*tensors)  # the usual case, quickly
    shape = tensors[0].shape
    dims = [d for d in range(len(shape)) if all(tensor.stride(d) == 0 for tensor in tensors)]
    if not any(shape[d] > 1 for d in dims):
        return function(*tensors)
    return function(*(one_of_each(tensor, dims) for tensor in tensors)).expand(shape)


def narrowed(x: Interval, dims: Collection[int]) -> Interval:
    """One slice of the interval along each of `dims`, along which both ends repeat."""
    lower = one_of_each(x.lower, dims)
    upper = lower if x.is_point else one_of_each(x.upper, dims)
    return Interval(lower, upper, x.undefined, x.infinite)


def repeated(x: Interval, shape: tuple[int, ...]) -> Interval:
    """The interval with its slices of size 1 repeated up to `shape`, held once."""
    lower = x.lower.expand(shape)
    return Interval(lower, lower if x.is_point else x.upper.expand(shape), x.undefined, x.infinite)


__all__ = ["by_slices", "narrowed", "one_of_each", "repeated", "repeats"]
