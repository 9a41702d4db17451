"""Weights that were never loaded: ranges that hold every number an initialiser can draw, and cost nothing."""

from __future__ import annotations

import math
from textwrap import dedent

import pytest
import torch
from torch import nn

from torchlean.capture import Capture, Workspace, capture_file
from torchlean.graph import Node

HEADER = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\nimport torchlean as tl\n"


def follow(body: str) -> Capture:
    return capture_file("/nowhere/program.py", HEADER + dedent(body), Workspace([]))


def weights(constructor: str) -> dict[str, Node]:
    """The leaves of a layer's parameters, by name, as a claim about it sees them."""
    capture = follow(
        f"""
        layer = nn.{constructor}
        total = torch.zeros(())
        for parameter in layer.parameters():
            total = total + parameter.sum()

        @tl.claim(x=tl.box(0.0, 1.0))
        def c(x):
            s = x
            for name, parameter in layer.named_parameters():
                s = s + parameter.sum()
            return s <= 1.0
        """
    )
    assert [d.message for d in capture.diagnostics] == []
    claim = next(unit for unit in capture.units if unit.name == "c")
    cone, _ = capture.graph.cone(claim.outputs)
    layer = eval(f"nn.{constructor}", {"nn": nn, "torch": torch})
    leaves = [node for node in cone if node.op in ("random", "constant") and node.type.shape]
    names = [name for name, _ in layer.named_parameters()]
    assert len(leaves) == len(names)
    return dict(zip(names, leaves, strict=True))


LAYERS = [
    "Linear(7, 5)",
    "Linear(1, 3)",
    "Linear(64, 2)",
    "Linear(3, 4, bias=False)",
    "Linear(7, 5, dtype=torch.float64)",
    "Bilinear(3, 4, 5)",
    "Conv1d(3, 6, 3)",
    "Conv2d(4, 8, (3, 2), groups=2)",
    "Conv3d(2, 2, 2, bias=False)",
    "ConvTranspose2d(4, 6, 3, groups=2)",
    "LSTM(3, 4)",
    "GRUCell(5, 7)",
    "MultiheadAttention(8, 2)",
    "MultiheadAttention(8, 2, kdim=3, vdim=5)",
    "BatchNorm2d(3)",
    "LayerNorm((2, 3))",
    "PReLU(3, init=0.1)",
    "TransformerEncoderLayer(8, 2, 16)",
]


@pytest.mark.parametrize("constructor", LAYERS)
def test_every_initial_weight_that_torch_draws_lies_in_the_range(constructor: str) -> None:
    leaves = weights(constructor)
    torch.manual_seed(0)
    worst = 0.0
    for _ in range(60):
        layer = eval(f"nn.{constructor}", {"nn": nn, "torch": torch})
        for name, parameter in layer.named_parameters():
            leaf = leaves[name]
            lower, upper = ends(leaf)
            assert leaf.type.shape == tuple(parameter.shape)
            assert leaf.type.dtype == parameter.dtype
            assert lower <= float(parameter.min())
            assert float(parameter.max()) <= upper
            if upper > lower:
                worst = max(worst, float(parameter.abs().max()) / max(abs(lower), abs(upper)))
    # Not far too wide either: the draws come near the ends.
    assert worst == 0.0 or worst > 0.9


def ends(leaf: Node) -> tuple[float, float]:
    if leaf.data is not None:
        return float(leaf.data.min()), float(leaf.data.max())
    return float(str(leaf.attributes["lower"])), float(str(leaf.attributes["upper"]))


INITIALISERS = [
    "uniform_(w)",
    "uniform_(w, -0.3, 0.1)",
    "uniform_(w, a=0.1, b=0.7)",
    "uniform_(w, -1e-3, 1e-3)",
    "trunc_normal_(w, std=0.5, a=-0.7, b=0.9)",
    "constant_(w, 0.3)",
    "ones_(w)",
    "zeros_(w)",
    "eye_(w)",
    "xavier_uniform_(w)",
    "xavier_uniform_(w, gain=nn.init.calculate_gain('tanh'))",
    "kaiming_uniform_(w, nonlinearity='relu')",
    "kaiming_uniform_(w, a=math.sqrt(5), mode='fan_out')",
    "orthogonal_(w)",
    "orthogonal_(w, gain=0.5)",
    "normal_(w, std=0.02)",
    "xavier_normal_(w)",
    "kaiming_normal_(w, mode='fan_out')",
]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("call", INITIALISERS)
def test_every_number_of_an_initialiser_lies_in_its_range(call: str, dtype: torch.dtype) -> None:
    if "orthogonal" in call and dtype == torch.float16:
        pytest.skip("torch has no QR factorisation in float16")
    capture = follow(
        f"""
        import math
        w = torch.empty(6, 9, dtype={dtype})
        nn.init.{call}

        @tl.claim(x=tl.box(0.0, 1.0))
        def c(x):
            return (w + x).sum() <= 1.0
        """
    )
    assert [d.message for d in capture.diagnostics] == []
    cone, _ = capture.graph.cone(capture.units[0].outputs)
    (leaf,) = (n for n in cone if n.type.shape == (6, 9) and n.op in ("random", "constant"))
    lower, upper = ends(leaf)
    torch.manual_seed(1)
    for _ in range(300):
        w = torch.empty(6, 9, dtype=dtype)
        eval(f"nn.init.{call}", {"nn": nn, "w": w, "math": math})
        assert lower <= float(w.min())
        assert float(w.max()) <= upper


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_ends_of_a_draw_stay_inside_even_where_they_are_rounded(dtype: torch.dtype) -> None:
    """torch computes `x * (upper - lower) + lower`; the largest and smallest `x` are tried here."""
    from torchlean.capture.intrinsics import drawn_range

    torch.manual_seed(2)
    for _ in range(2000):
        a, b = sorted((torch.randn(2, dtype=torch.float64) * 10 ** float(torch.randint(-3, 3, ()))).tolist())
        lower, upper = drawn_range(dtype, a, b)
        low, high = torch.tensor(a, dtype=dtype), torch.tensor(b, dtype=dtype)
        below_one = torch.nextafter(torch.ones((), dtype=dtype), torch.zeros((), dtype=dtype))
        for x in (torch.zeros((), dtype=dtype), below_one, torch.ones((), dtype=dtype)):
            drawn = float(x * (high - low) + low)
            assert lower <= drawn <= upper


def test_weights_that_were_never_loaded_are_named_after_their_layer() -> None:
    names = {name: leaf.label for name, leaf in weights("Linear(7, 5)").items()}
    assert names == {"weight": "Linear.weight", "bias": "Linear.bias"}


def test_a_huge_layer_costs_nothing_and_is_said_to_be_too_large() -> None:
    capture = follow(
        "layer = nn.Linear(10**9, 10**9)\nother = nn.Linear(2, 10**7)\ny = other(torch.zeros(1, 2))\n"
    )
    said = [(d.code, d.span.line) for d in capture.diagnostics]
    assert ("TL113", 4) in said
    assert all(node.data is None or node.data.numel() < 100 for node in capture.graph)


def test_a_layer_that_is_too_large_keeps_its_shape() -> None:
    capture = follow("layer = nn.Linear(2**13, 2**13)\ny = layer(torch.zeros(1, 2**13))\n")
    assert [d.code for d in capture.diagnostics] == ["TL113"]
    assert (1, 2**13) in {node.type.shape for node in capture.graph if node.op == "linear"}


@pytest.mark.parametrize(
    ("constructor", "words"),
    [
        ("Linear('a', 3)", "`Linear`: in_features must be an integer, got 'a'"),
        ("Linear(2.0, 3)", "`Linear`: in_features must be an integer, got 2.0"),
        ("Linear(3)", "is called without `out_features`"),
        ("Linear(3, 4, 5, 6, 7, 8)", "`__init__()` takes"),
        ("Linear(3, -4)", "out_features must not be negative, got -4"),
        ("Linear(3, 4, biass=False)", "has no parameter `biass`; did you mean `bias`?"),
        ("Conv2d(3, 4, 3, groups=2)", "in_channels (3) must be divisible by groups (2)"),
        ("Conv2d(4, 3, 3, groups=2)", "out_channels (3) must be divisible by groups (2)"),
        ("Conv2d(3, 4, (3, 3, 3))", "kernel_size needs 2 numbers, got (3, 3, 3)"),
        ("Conv2d(3, 4, 3, padding='samee')", "Invalid padding string 'samee'"),
        ("Conv2d(3, 4, 3, stride=2, padding='same')", "not supported for strided convolutions"),
        ("Conv2d(3, 4, 3, padding_mode='mirror')", "padding_mode must be one of"),
        ("GroupNorm(4, 6)", "num_channels (6) must be divisible by num_groups (4)"),
        ("MultiheadAttention(7, 2)", "embed_dim (7) must be divisible by num_heads (2)"),
        ("Dropout(1.5)", "dropout probability has to be between 0 and 1, but got 1.5"),
        ("Hardtanh(1.0, -1.0)", "must be greater than min_val"),
        ("RNN(3, 4, nonlinearity='gelu')", "Unknown nonlinearity 'gelu'"),
        ("Sequential(nn.Linear(2, 3), 5)", "int is not a Module subclass"),
    ],
)
def test_a_wrong_constructor_is_reported_at_the_users_call(constructor: str, words: str) -> None:
    capture = follow(f"layer = nn.{constructor}\n")
    assert [d.code for d in capture.diagnostics] == ["TL103"]
    (diagnostic,) = capture.diagnostics
    assert words in diagnostic.message
    assert (diagnostic.span.line, diagnostic.span.column) == (4, 8)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("BatchNorm2d(3).eval()(torch.zeros(2, 3))", "expected 4D input (got 2D input)"),
        ("BatchNorm1d(3).eval()(torch.zeros(2, 4))", "BatchNorm1d expects 3 channels"),
        ("Linear(3, 4)(torch.zeros(2, 5))", "3 features"),
        ("GLU()(torch.zeros(2, 3))", "Halving dimension must be even"),
        ("LSTM(3, 4)(torch.zeros(5, 2, 7))", "Expected 3, got 7"),
        (
            "MultiheadAttention(8, 2)(*[torch.zeros(3, 1, 6)] * 3)",
            "expecting query dimension of 8, but got 6",
        ),
        ("CrossEntropyLoss()(torch.zeros(4, 3), torch.zeros(5).long())", "class indices of shape (4,)"),
        ("BCEWithLogitsLoss()(torch.zeros(4), torch.zeros(4, 1))", "Target size ((4, 1)) must be the same"),
    ],
)
def test_a_layer_on_the_wrong_shape_is_reported_at_the_users_call(call: str, words: str) -> None:
    capture = follow(f"y = nn.{call}\n")
    assert [d.code for d in capture.diagnostics] == ["TL101"]
    assert words in capture.diagnostics[0].message
    assert (capture.diagnostics[0].span.line, capture.diagnostics[0].span.column) == (4, 4)
