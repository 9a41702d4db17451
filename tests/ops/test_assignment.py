"""`x[...] = v` and the functions that write by position."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.ops.facets import case, check
from tests.ops.fake_emitter import Call, Known, agree

from torchlean.intervals import Interval
from torchlean.ops import OPS, UnsupportedError

X = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(1))
VECTOR, SCALAR = X[0, 0] * 2, X[0, 0, 0]
INTEGERS = torch.arange(6).reshape(2, 3)
ALL = slice(None)
SET = "torch.Tensor.__setitem__"


def known(*values: Any) -> Known:
    return Known(torch.tensor(*values))


ASSIGNMENTS: list[tuple[Any, Any]] = [
    (0, 1.0),
    (-1, VECTOR),
    (5, 1.0),
    ((0, 1, 2), SCALAR),
    ((0, 1, 2), torch.ones(1)),
    ((ALL, 1), torch.ones(2, 4)),
    ((ALL, 1), torch.ones(1, 1, 2, 4)),
    ((ALL, 1), torch.ones(3, 4)),
    ((Ellipsis, slice(1, 3)), torch.zeros(2)),
    ((ALL, slice(None, None, 2), 0), torch.ones(2, 2)),
    ((slice(1, 1),), 7),
    ((ALL, None, 0), VECTOR),
    (ALL, 0),
    (Ellipsis, X.double()),
    (0, torch.ones(3, 4, dtype=torch.int64)),
    (0, "text"),
    ([1, 0], torch.ones(2, 3, 4) * torch.tensor([[[1.0]], [[2.0]]])),
    ((ALL, [2, 0]), VECTOR),
    ((ALL, [2, 0], 1), torch.ones(2, 2)),
    (([0, 1], ALL, [1, 2]), torch.ones(2, 3)),
    ((0, ALL, [3, 1]), torch.tensor([1.0, 2.0])),
    ((slice(0, 1), [2, 0], slice(None, None, 2)), torch.ones(1, 2, 2)),
    ([0, 7], 1.0),
    ([0, 1], torch.ones(3, 3, 4)),
    (known([1]), 5),
    (known(1), 5),
    ((known([0, 1]), known([2, 0])), torch.ones(2, 4)),
    (Known(X > 0), 0.0),
    (Known(X > 0), torch.arange(float(int((X > 0).sum())))),
    (Known(X[..., 0] > 0), VECTOR),
    (X > 0, 0.0),
    (X > 0, SCALAR),
    (X[..., 0] > 0, VECTOR),
    (X[..., 0] > 0, 2),
    (torch.ones(3, dtype=torch.bool), 1.0),
    (Known(torch.ones(3, dtype=torch.bool)), 1.0),
]


@pytest.mark.parametrize(("place", "value"), ASSIGNMENTS)
def test_assigning_changes_what_torch_changes(place: Any, value: Any) -> None:
    check(SET, (X, place, value), {}, tight=False)


@pytest.mark.parametrize("value", [0.5, -1, True, torch.tensor(2.75)])
def test_the_value_takes_the_dtype_of_the_tensor(value: Any) -> None:
    agree(SET, INTEGERS, 0, value)
    agree(SET, INTEGERS > 2, 0, value)
    agree(SET, X.half(), (ALL, 0), value)


def test_an_integer_that_does_not_fit_is_refused() -> None:
    agree(SET, INTEGERS.to(torch.int8), 0, 300)


FUNCTIONS = [
    case("torch.Tensor.fill_", X, 0.1),
    case("torch.Tensor.fill_", X, SCALAR),
    case("torch.Tensor.fill_", X, VECTOR),
    case("torch.Tensor.zero_", INTEGERS),
    case("torch.Tensor.copy_", X, X.double()[:, :1]),
    case("torch.Tensor.copy_", X, torch.ones(3)),
    case("torch.Tensor.copy_", INTEGERS, torch.ones(3)),
    case("torch.Tensor.index_put_", X, (known([0, 1]), known([2, 0])), torch.ones(4)),
    case("torch.index_put", X, [known([1])], SCALAR),
    case("torch.Tensor.index_put", X, (X > 0,), SCALAR),
    case("torch.Tensor.index_put", X, (known([5]),), SCALAR),
    case("torch.index_fill", X, 1, known([0, 2]), 9.0),
    case("torch.Tensor.index_fill", X, -1, known([0]), SCALAR),
    case("torch.Tensor.index_fill", X, 0, known([2]), 0),
    case("torch.Tensor.index_fill_", X, 0, known([1]), 0),
    case("torch.scatter", torch.zeros(2, 3), 1, known([[0], [2]]), 1.0),
    case("torch.scatter", torch.zeros(2, 3), 1, index=known([[0], [2]]), value=1),
    case("torch.Tensor.scatter", X, 1, known([[[0, 1, 2, 0]]]), torch.ones(2, 3, 4)),
    case("torch.Tensor.scatter", X, 1, known([[[3]]]), torch.ones(2, 3, 4)),
    case("torch.Tensor.scatter", X, 1, known([[[0, 1]]]), torch.ones(1, 1, 1)),
    case("torch.Tensor.scatter", X, 1, known([0]), torch.ones(2, 3, 4)),
    case("torch.Tensor.scatter_", torch.zeros(2, 3), 1, known([[0, 1], [2, 0]]), torch.ones(2, 3)),
    case("torch.Tensor.scatter_", torch.zeros(2, 3), -1, known([[0], [2]]), value=1.0),
]


@pytest.mark.parametrize(("name", "arguments", "keywords"), FUNCTIONS)
def test_functions_that_write_do_what_torch_does(
    name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]
) -> None:
    check(name, arguments, keywords, tight=False)


def test_values_behind_an_open_mask_stay_open() -> None:
    call = Call(SET, X, X > 0, 0.0)
    node = call.emitter.builder.nodes[call.arguments[0].node]
    assert node.op == "where"


def test_where_something_is_written_must_be_known() -> None:
    with pytest.raises(UnsupportedError, match="when the program runs"):
        Call(SET, X, torch.tensor(1), 0.0)
    with pytest.raises(UnsupportedError, match="which value goes where"):
        Call(SET, X, X > 0, torch.ones(int((X > 0).sum())))


def test_writing_one_element_twice_has_no_interval_because_torch_leaves_the_order_open() -> None:
    call = Call(SET, X, ([0, 0], [1, 1]), torch.ones(2, 4))
    node = next(node for node in call.emitter.builder.nodes if node.op == "index_update")
    places = [Interval.point(call.emitter.builder.nodes[id].data) for id in node.inputs[2:]]
    operands = [Interval.point(X), Interval.point(torch.ones(2, 4)), *places]
    with pytest.raises(UnsupportedError, match="assigned twice"):
        OPS["index_update"].interval(operands, node.attributes, node.type)


def test_one_number_written_at_places_that_are_not_known_may_be_anywhere() -> None:
    x, value = Interval.point(torch.tensor([0.0, 5.0, -1.0])), Interval.point(torch.tensor(2.0))
    places = Interval.uniform((2,), 0.0, 2.0)
    node = next(
        node
        for node in Call(SET, torch.zeros(3), known([0, 1]), 2.0).emitter.builder.nodes
        if node.op == "index_update"
    )
    bound = OPS["index_update"].interval([x, value, places], node.attributes, node.type)
    assert bound.lower.tolist() == [0.0, 2.0, -1.0]
    assert bound.upper.tolist() == [2.0, 5.0, 2.0]
