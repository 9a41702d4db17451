"""Content hashes: two nodes have the same digest exactly when they compute the same thing from the same leaves."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping, MutableMapping

import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from torchlean.ops.op import Attribute, TensorType, dtype_name

DIGEST_BYTES = 16
"""128 bits: a collision among 10**9 nodes has probability below 10**-20."""

LARGEST_WRITTEN = 2**24
"""Elements up to which an expanded tensor is hashed like one that is written out (64 MiB of float32)."""

# By identity: comparing tensors with == would compare their elements.
_tensor_digests: MutableMapping[Tensor, bytes] = WeakIdKeyDictionary()


def tensor_digest(data: Tensor) -> bytes:
    """Hash of dtype, shape and the raw bits (so -0.0 differs from 0.0, and NaN payloads count).

    Remembered per tensor object: graphs treat data as immutable.
    """
    known = _tensor_digests.get(data)
    if known is not None:
        return known
    if data.numel() > LARGEST_WRITTEN and not any(data.stride()):
        digest = _repeated_digest(data)
        _tensor_digests[data] = digest
        return digest
    plain = data.detach().contiguous().cpu()
    digest = _hash([dtype_name(plain.dtype).encode(), repr(tuple(plain.shape)).encode()])
    if plain.numel():
        flat = plain.reshape(-1)
        # One number can count as contiguous whatever its stride; its bytes cannot be seen then.
        if flat.stride(0) != 1:
            flat = flat.clone(memory_format=torch.contiguous_format)
        raw = flat.view(torch.uint8).numpy()
        digest = hashlib.blake2b(raw.data, digest_size=DIGEST_BYTES, key=digest).digest()
    _tensor_digests[data] = digest
    return digest


def _repeated_digest(data: Tensor) -> bytes:
    """Hash of one number expanded to a huge shape, from that number: writing it out could take all memory.

    The same tensor written out has another digest. That costs a cache entry and nothing else.
    """
    number = data[(0,) * data.dim()].clone()
    return _hash([b"repeated", repr(tuple(data.shape)).encode(), tensor_digest(number)])


def node_digest(
    op: str,
    attributes: Mapping[str, Attribute],
    type: TensorType,
    inputs: Iterable[bytes],
    data: Tensor | None,
) -> bytes:
    """Hash of one node, given the digests of its inputs."""
    parts = [op.encode(), str(type).encode()]
    for key in sorted(attributes):
        parts += [key.encode(), _attribute_bytes(attributes[key])]
    parts.append(b"inputs")
    parts += inputs
    if data is not None:
        parts += [b"data", tensor_digest(data)]
    return _hash(parts)


def _attribute_bytes(value: Attribute) -> bytes:
    """An injective encoding: 1, 1.0, True and "1" all differ, and so do 0.0 and -0.0."""
    if isinstance(value, tuple):
        return b"(" + _hash([_attribute_bytes(item) for item in value])
    if isinstance(value, float):
        return b"f" + struct.pack("<d", value)
    return f"{type(value).__name__}:{value}".encode()


def _hash(parts: Iterable[bytes]) -> bytes:
    """Hash of a sequence of byte strings; the length prefixes make it injective."""
    pieces: list[bytes] = []
    for part in parts:
        pieces += (len(part).to_bytes(8, "little"), part)
    return hashlib.blake2b(b"".join(pieces), digest_size=DIGEST_BYTES).digest()
