"""Every torch name of the element-wise ops does what torch does, bit for bit, errors included."""

from __future__ import annotations

import inspect
import math
import re
from typing import Any

import pytest
import torch
from tests.ops.fake_emitter import Call, Known, agree, torch_function
from torch import Tensor

from torchlean.ops import SPELLINGS, ShapeError, UnsupportedError

FAMILIES = (
    "activation arithmetic clamp compare division elementwise exponential finite hyperbolic logic power rounding "
    "smooth trigonometric"
)
MODULES = {f"torchlean.ops.{family}" for family in FAMILIES.split()}
NAMES = sorted(name for name, spelling in SPELLINGS.items() if spelling.__module__ in MODULES)

FLOATS = torch.tensor(
    [-math.inf, -7.0, -2.5, -1.0, -0.25, -0.0, 0.0, 0.5, 1.0, 1.5, 3.0, 42.0, math.inf, math.nan]
)
OTHERS = torch.tensor([2.0, -3.0, 0.5, -1.0, 2.0, 0.0, -0.0, 3.0, 1.0, -1.5, 3.0, 1e30, -math.inf, 1.0])
WHOLE = torch.tensor([-7, -2, -1, 1, 2, 3, 42])
WHOLE_OTHERS = torch.tensor([2, 3, 1, 5, 2, 7, 4])
BOOLS = torch.tensor([True, True, False, False])
BOOL_OTHERS = torch.tensor([True, False, True, False])
OPERANDS: dict[torch.dtype, tuple[Tensor, Tensor]] = {
    torch.float32: (FLOATS, OTHERS),
    torch.float64: (FLOATS.double(), OTHERS.double()),
    torch.int64: (WHOLE, WHOLE_OTHERS),
    torch.bool: (BOOLS, BOOL_OTHERS),
}
every_dtype = pytest.mark.parametrize("dtype", OPERANDS, ids=lambda dtype: str(dtype).removeprefix("torch."))


def arity(name: str) -> int:
    """How many arguments have no default."""
    parameters = list(inspect.signature(SPELLINGS[name]).parameters.values())[1:]
    return sum(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)


UNARY = [name for name in NAMES if arity(name) == 1 and "clamp" not in name and "clip" not in name]
BINARY = [name for name in NAMES if arity(name) == 2 and "prelu" not in name]


@every_dtype
@pytest.mark.parametrize("name", UNARY)
def test_functions_of_one_tensor_are_torchs(name: str, dtype: torch.dtype) -> None:
    agree(name, OPERANDS[dtype][0])


WHOLE_DIVISION = re.compile("floor_?div|mod|remainder")


@every_dtype
@pytest.mark.parametrize("name", BINARY)
def test_functions_of_two_operands_are_torchs(name: str, dtype: torch.dtype) -> None:
    first, second = OPERANDS[dtype]
    if dtype in (torch.int64, torch.bool) and WHOLE_DIVISION.search(name):
        # Whole numbers are divided by known ones only, none of which is zero: that is an exception.
        divisor = Known(second.masked_fill(second == 0, 3))
        agree(name, *((divisor, first) if "__r" in name else (first, divisor)))
        return
    agree(name, first, second)
    if torch.bool is not dtype:
        agree(name, first, second[3])
    if takes_numbers(name, first):
        agree(name, first, 3)
        agree(name, first, 0.7)
    if "shift" not in name and not name.endswith("_"):
        agree(name, first.reshape(-1, 1), second)


def takes_numbers(name: str, tensor: Tensor) -> bool:
    """Whether torch itself takes a number there: numbers where it wants tensors are accepted, which harms nobody."""
    try:
        torch_function(name)(tensor.clone(), 3)
    except TypeError:
        return False
    except RuntimeError:
        return True
    return True


X = FLOATS
SMALL = torch.tensor([-3.0, -0.5, 0.0, 0.4, 2.0])
PICTURE = torch.linspace(-2.0, 2.0, 24).reshape(2, 3, 4)
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *(
        (name, (X, OTHERS), {"alpha": 0.7})
        for name in ("torch.add", "torch.sub", "torch.rsub", "torch.Tensor.add_")
    ),
    *(
        (name, (X, 2.5), {"alpha": 3})
        for name in ("torch.add", "torch.Tensor.sub", "torch.rsub", "torch.subtract")
    ),
    *(
        (name, (WHOLE, WHOLE_OTHERS), {"alpha": 3})
        for name in ("torch.add", "torch.Tensor.sub_", "torch.rsub")
    ),
    ("torch.add", (WHOLE, WHOLE_OTHERS), {"alpha": 0.5}),
    ("torch.add", (BOOLS, BOOL_OTHERS), {"alpha": True}),
    ("torch.add", (WHOLE, SMALL[:1]), {"alpha": 0.1}),
    *(
        (f"torch{home}.addc{kind}{place}", (X, OTHERS, SMALL[1:2]), {"value": value})
        for kind in ("mul", "div")
        for home, place in (("", ""), (".Tensor", ""), (".Tensor", "_"))
        for value in (1, -0.3)
    ),
    ("torch.lerp", (X, OTHERS, 0.3), {}),
    ("torch.lerp", (X, OTHERS, OTHERS.abs()), {}),
    ("torch.Tensor.lerp", (X, OTHERS, 0.7), {}),
    ("torch.Tensor.lerp_", (X, OTHERS, 1.5), {}),
    *(
        (f"torch{home}.{name}{place}", (tensor,), {"min": low, "max": high})
        for name in ("clamp", "clip")
        for home, place in (("", ""), ("", "_"), (".Tensor", ""), (".Tensor", "_"))
        for tensor in (X, WHOLE)
        for low, high in ((-1, 2), (None, 0), (2, -1))
    ),
    *(("torch.clamp", (tensor, 0.1, 0.3), {}) for tensor in (X, WHOLE, X.double())),
    ("torch.clamp", (X, OTHERS, None), {}),
    ("torch.clamp", (X, OTHERS, OTHERS + 1), {}),
    ("torch.clamp", (X, None, SMALL[3:4].double()), {}),
    ("torch.clamp", (WHOLE, WHOLE_OTHERS), {}),
    ("torch.clamp", (X,), {}),
    ("torch.Tensor.clamp_", (X, OTHERS), {}),
    *(
        (f"torch{home}.clamp_{side}{place}", (X, bound), {})
        for side in ("min", "max")
        for home, place in (("", ""), ("", "_"), (".Tensor", ""), (".Tensor", "_"))
        for bound in (0.3, OTHERS)
    ),
    *(
        (f"torch{home}.div{place}", operands, {"rounding_mode": mode})
        for home, place in (("", ""), (".Tensor", ""), (".Tensor", "_"))
        for operands in ((X, OTHERS), (X, 0.7))
        for mode in (None, "floor", "trunc")
    ),
    *(
        ("torch.divide", (WHOLE, Known(WHOLE_OTHERS)), {"rounding_mode": mode})
        for mode in (None, "floor", "trunc")
    ),
    ("torch.div", (X, OTHERS), {"rounding_mode": "round"}),
    ("torch.Tensor.div_", (WHOLE, Known(WHOLE_OTHERS)), {"rounding_mode": "floor"}),
    *(
        (name, (tensor, exponent), {})
        for name in ("torch.pow", "torch.Tensor.pow", "torch.Tensor.pow_", "torch.Tensor.__pow__")
        for tensor in (X, X.double(), WHOLE)
        for exponent in (0, 1, 2, 3, 2.0, 0.5, -1, -2, -0.5, 1.7)
    ),
    ("torch.pow", (X, OTHERS), {}),
    ("torch.pow", (WHOLE, WHOLE_OTHERS), {}),
    ("torch.pow", (2, X), {}),
    ("torch.pow", (0.3, WHOLE), {}),
    ("torch.Tensor.__rpow__", (X, 2), {}),
    ("torch.Tensor.__rpow__", (WHOLE, 0.3), {}),
    ("torch.Tensor.__ipow__", (X, OTHERS), {}),
    *(
        (f"{home}.round{place}", (X,), {"decimals": decimals})
        for home, place in (("torch", ""), ("torch", "_"), ("torch.Tensor", ""), ("torch.special", ""))
        for decimals in (0, 1, -1)
    ),
    ("torch.round", (WHOLE,), {"decimals": 1}),
    *(
        (f"torch{home}.nan_to_num{place}", (X,), numbers)
        for home, place in (("", ""), ("", "_"), (".Tensor", ""), (".Tensor", "_"))
        for numbers in ({}, {"nan": 1.5}, {"nan": 0.1, "posinf": 7.0, "neginf": -8.0})
    ),
    ("torch.nan_to_num", (WHOLE,), {}),
    *(
        ("torch.prelu", (PICTURE, weight), {})
        for weight in (torch.tensor([0.1, -2.0, 0.3]), torch.tensor([0.25]))
    ),
    ("torch.nn.functional.prelu", (PICTURE, torch.tensor(0.25)), {}),
    ("torch.Tensor.prelu", (PICTURE, torch.ones(2)), {}),
    ("torch.prelu", (X, torch.tensor([0.2])), {}),
    ("torch.prelu", (PICTURE, torch.ones(3, dtype=torch.float64)), {}),
    *(
        (f"torch.nn.functional.{name}", (X, *numbers), {})
        for name, *rows in (
            ("leaky_relu", (0.3,), (-0.1,)),
            ("leaky_relu_", (0.3,)),
            ("hardtanh", (-0.3, 0.7), (2.0, -2.0)),
            ("hardtanh_", (-0.3, 0.7)),
            ("threshold", (0.1, 20.0), (0.1, -1.0)),
            ("threshold_", (0.1, 20.0)),
            ("rrelu", (0.1, 0.3)),
            ("rrelu_", (0.1, 0.3)),
            ("hardshrink", (0.7,)),
            ("softshrink", (0.7,), (-1.0,)),
            ("elu", (0.3,), (-0.3,)),
            ("elu_", (0.3,)),
            ("celu", (0.3,)),
            ("celu_", (0.3,)),
            ("softplus", (2.0, 3.0), (0.3,)),
            ("gelu",),
        )
        for numbers in (*rows, ())
        if numbers or not name.startswith("threshold")
    ),
    *(
        (f"torch.{name}", (X, *numbers), {})
        for name, *numbers in (
            ("threshold", 0.1, 20.0),
            ("threshold_", 0.1, 20.0),
            ("hardshrink", 0.7),
            ("celu", 0.7),
        )
    ),
    ("torch.nn.functional.gelu", (X,), {"approximate": "tanh"}),
    ("torch.nn.functional.gelu", (X,), {"approximate": "erf"}),
    *(
        (f"torch.nn.functional.{name}", (X,), {"inplace": True})
        for name in [
            "relu",
            "relu6",
            "leaky_relu",
            "hardtanh",
            "hardswish",
            "hardsigmoid",
            "elu",
            "celu",
            "selu",
            "silu",
            "mish",
            "rrelu",
        ]
    ),
    ("torch.nn.functional.threshold", (X, 0.1, 2.0), {"inplace": True}),
]


def describe(call: tuple[str, tuple[Any, ...], dict[str, Any]]) -> str:
    name, arguments, keywords = call
    words = [str(item.dtype) if isinstance(item, Tensor) else str(item) for item in arguments]
    return f"{name}({', '.join([*words, *map(str, keywords.items())])})".replace("torch.", "")


@pytest.mark.parametrize("call", CALLS, ids=describe)
def test_arguments_mean_what_they_mean_in_torch(call: tuple[str, tuple[Any, ...], dict[str, Any]]) -> None:
    name, arguments, keywords = call
    agree(name, *arguments, **keywords)


def test_no_spelling_is_left_untested() -> None:
    assert set(NAMES) <= {*UNARY, *BINARY, *(name for name, _, _ in CALLS)}


@pytest.mark.parametrize("name", ["torch.exp", "torch.add", "torch.clamp", "torch.pow", "torch.lt"])
def test_out_is_refused_rather_than_ignored(name: str) -> None:
    arguments = [X] if arity(name) == 1 else [X, 2.0]
    with pytest.raises(UnsupportedError, match="out="):
        Call(name, *arguments, out=torch.empty(0))


def test_a_random_slope_is_refused_rather_than_guessed() -> None:
    with pytest.raises(UnsupportedError, match="training"):
        Call("torch.nn.functional.rrelu", X, training=True)


@pytest.mark.parametrize("name", ["torch.mul", "torch.Tensor.mul", "torch.Tensor.__mul__", "torch.multiply"])
def test_a_value_times_itself_is_a_square(name: str) -> None:
    call = Call("torch.exp", X)
    product = SPELLINGS[name](call.emitter, call.returned, call.returned)
    assert call.ops() == ["exp", "square"]
    assert product.type == call.returned.type


def test_equal_values_under_two_names_are_not_taken_for_one() -> None:
    assert Call("torch.mul", X, X.clone()).ops() == ["mul"]


def test_a_scalar_argument_is_the_number_torch_computes_with() -> None:
    single = Call("torch.nn.functional.leaky_relu", X, 0.01).emitter.builder.nodes[-1]
    double = Call("torch.nn.functional.leaky_relu", X.double(), 0.01).emitter.builder.nodes[-1]
    assert single.attributes["negative_slope"] == torch.tensor(0.01).item()
    assert double.attributes["negative_slope"] == 0.01


def test_a_dtype_that_only_the_kernel_refuses_is_a_shape_error_with_names() -> None:
    with pytest.raises(ShapeError, match=r"`gelu` is not defined for int64 tensors"):
        Call("torch.nn.functional.gelu", WHOLE)
