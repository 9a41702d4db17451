"""Content hashes: equal exactly for equal content."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from torchlean.graph import Graph, GraphBuilder
from torchlean.graph.hashing import DIGEST_BYTES, node_digest, tensor_digest
from torchlean.ops import TensorType
from torchlean.source import Span

TYPE = TensorType((2,), torch.float32)
DTYPES = [torch.float32, torch.float64, torch.int64, torch.bool]

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(DTYPES),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)
attributes = st.dictionaries(st.text(max_size=3), plain, max_size=3)


def content(value: Any) -> Any:
    """What an attribute is, without Python's 1 == 1.0 == True."""
    if isinstance(value, tuple):
        return ("tuple", tuple(content(item) for item in value))
    if isinstance(value, float):
        return ("float", struct.pack("<d", value))
    return (type(value).__name__, value)


def digest(
    values: dict[str, Any], *, op: str = "op", type: TensorType = TYPE, inputs: tuple[bytes, ...] = ()
) -> bytes:
    return node_digest(op, values, type, inputs, None)


@given(attributes, attributes)
def test_nodes_share_a_digest_exactly_when_their_attributes_are_equal(
    left: dict[str, Any], right: dict[str, Any]
) -> None:
    same = {key: content(value) for key, value in left.items()} == {
        key: content(value) for key, value in right.items()
    }
    assert (digest(left) == digest(right)) == same


@given(attributes)
def test_the_order_of_attributes_does_not_matter(values: dict[str, Any]) -> None:
    assert digest(values) == digest(dict(reversed(values.items())))


def test_values_that_python_calls_equal_are_told_apart() -> None:
    values = [
        1,
        1.0,
        True,
        "1",
        "True",
        (1,),
        ((1,),),
        (1, 1),
        0.0,
        -0.0,
        None,
        "None",
        torch.float32,
        "torch.float32",
    ]
    assert len({digest({"a": value}) for value in values}) == len(values)


def test_op_type_and_operands_count() -> None:
    first, second = b"1" * DIGEST_BYTES, b"2" * DIGEST_BYTES
    variants = [
        digest({}),
        digest({}, op="other"),
        digest({}, type=TensorType((3,), torch.float32)),
        digest({}, type=TensorType((2,), torch.float64)),
        digest({}, type=TensorType((1, 2), torch.float32)),
        digest({}, inputs=(first,)),
        digest({}, inputs=(second,)),
        digest({}, inputs=(first, second)),
        digest({}, inputs=(second, first)),
        digest({"inputs": 1}),
    ]
    assert len(set(variants)) == len(variants)


TENSORS = [
    torch.tensor([0.0, 1.0]),
    torch.tensor([-0.0, 1.0]),
    torch.tensor([1.0, 0.0]),
    torch.tensor([[0.0, 1.0]]),
    torch.tensor([[0.0], [1.0]]),
    torch.tensor([0.0, 1.0], dtype=torch.float64),
    torch.tensor([0, 1]),
    torch.tensor([0, 1], dtype=torch.int32),
    torch.tensor([False, True]),
    torch.tensor([0.0, math.nan]),
    torch.tensor([0.0, math.inf]),
    torch.zeros(0),
    torch.zeros(0, 2),
    torch.zeros(0, dtype=torch.int64),
    torch.tensor(0.0),
    torch.tensor([0.0]),
    torch.zeros(2, dtype=torch.bfloat16),
    torch.zeros(2, dtype=torch.float16),
    torch.zeros(2, dtype=torch.complex64),
]


def test_tensors_that_differ_in_bits_shape_or_dtype_differ_in_digest() -> None:
    assert len({tensor_digest(tensor) for tensor in TENSORS}) == len(TENSORS)


@pytest.mark.parametrize("tensor", TENSORS, ids=str)
def test_equal_tensors_share_a_digest_however_they_lie_in_memory(tensor: torch.Tensor) -> None:
    assert tensor_digest(tensor.clone()) == tensor_digest(tensor)
    strided = torch.stack([tensor, tensor], dim=-1)[..., 0]
    assert tensor_digest(strided) == tensor_digest(tensor)
    assert tensor_digest(torch.nn.Parameter(tensor, requires_grad=False)) == tensor_digest(tensor)


def test_one_changed_bit_anywhere_changes_the_digest() -> None:
    data = torch.zeros(1000)
    seen = {tensor_digest(data)}
    for place in (0, 1, 499, 998, 999):
        other = data.clone()
        other[place] = 1e-45  # the smallest subnormal: a single bit
        seen.add(tensor_digest(other))
    assert len(seen) == 6


def test_a_huge_repeated_number_is_hashed_without_writing_it_out() -> None:
    """2**50 elements: hashing them one by one, or copying them, could not end well."""
    huge = torch.tensor(1.0).expand(2**25, 2**25)
    variants = [
        huge,
        torch.tensor(2.0).expand(2**25, 2**25),
        torch.tensor(1.0).expand(2**26, 2**24),
        torch.tensor(1.0, dtype=torch.float64).expand(2**25, 2**25),
    ]
    assert len({tensor_digest(tensor) for tensor in variants}) == len(variants)
    assert tensor_digest(torch.tensor(1.0).expand(2**25, 2**25)) == tensor_digest(huge)


def chain(*, spans: bool, label: str, weight: float = 1.0, slope: int = 0) -> Graph:
    builder = GraphBuilder()
    place = (Span("model.py", 3, 4, 3, 9),) if spans else ()
    x = builder.input("x", TYPE, place)
    w = builder.parameter(torch.tensor([weight, 2.0]), label, place)
    joined = builder.op("cat", [x.id, w.id], {"dim": slope}, place, label=label)
    return builder.graph([builder.op("relu", [joined.id], {}, place).id])


def digests(graph: Graph) -> list[bytes]:
    return [node.digest for node in graph]


def test_spans_and_labels_leave_no_trace() -> None:
    assert digests(chain(spans=True, label="fc1.weight")) == digests(chain(spans=False, label="w"))


def test_a_change_reaches_everything_above_it_and_nothing_else() -> None:
    before, after = digests(chain(spans=False, label="w")), digests(chain(spans=False, label="w", weight=1.5))
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, False, False]


def test_inputs_are_told_apart_by_name_and_position() -> None:
    builder = GraphBuilder()
    first, second, third = builder.input("a", TYPE), builder.input("b", TYPE), builder.input("a", TYPE)
    assert len({first.digest, second.digest, third.digest}) == 3
    assert GraphBuilder().input("a", TYPE).digest == first.digest


def test_a_parameter_and_a_constant_of_the_same_numbers_are_not_the_same_node() -> None:
    builder = GraphBuilder()
    data = torch.ones(2)
    assert builder.parameter(data, "w").digest != builder.constant(data).digest


def test_random_leaves_are_told_apart_by_their_serial_and_range() -> None:
    builder = GraphBuilder()
    leaves = [builder.random(TYPE, 0.0, upper, serial) for upper in (1.0, 2.0) for serial in (0, 1)]
    assert len({leaf.digest for leaf in leaves}) == 4
