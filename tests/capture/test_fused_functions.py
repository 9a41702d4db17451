"""Functions that torch has a kernel of its own for: executing the graph gives torch's numbers, bit for bit.

The steps of these functions round otherwise than their kernels. Shapes and arguments are drawn; what is compared is the
last digit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import torch
import torch.nn.functional as F
from tests.capture.probing import captured, flat, probe, probed, unit_of
from torch import Tensor

from torchlean.bounds import BoundsCache, propagate
from torchlean.bounds.crown import crown
from torchlean.capture.result import Role
from torchlean.graph import Graph, evaluate
from torchlean.intervals import Interval
from torchlean.ops.fused import FUSED
from torchlean.rounding import rounding_errors

DRAWS = 25
"""Programs of each kind. In all of them together hundreds of results differ where only the steps are executed."""

HEADER = "import math\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n"

Program = tuple[str, dict[str, tuple[int, ...]]]
"""A call, and the shapes of the tensors in it."""


def _reduction(random: Random) -> str:
    return f"reduction={random.choice(['mean', 'sum', 'none'])!r}"


def _classes(random: Random, count: int, classes: int) -> str:
    """Some of which are to be ignored."""
    return str([random.choice([*range(classes), -100]) for _ in range(count)])


def cross_entropy(random: Random) -> Program:
    count, classes = random.randint(1, 40), random.randint(2, 30)
    target = random.choice([f"torch.tensor({_classes(random, count, classes)})", "F.softmax(p, 1)"])
    options = [
        _reduction(random),
        *random.sample(["label_smoothing=0.1", "weight=w.abs()"], random.randint(0, 2)),
    ]
    shapes = {"z": (count, classes), "p": (count, classes), "w": (classes,)}
    return f"F.cross_entropy(5 * z, {target}, {', '.join(options)})", shapes


def cross_entropy_of_pictures(random: Random) -> Program:
    count, classes, height, width = (random.randint(1, 6) for _ in range(4))
    target = torch.randint(
        classes, (count, height, width), generator=torch.Generator().manual_seed(random.randint(0, 99))
    )
    return (
        f"F.cross_entropy(z, torch.tensor({target.tolist()}), {_reduction(random)})",
        {"z": (count, classes, height, width)},
    )


def nll_loss(random: Random) -> Program:
    count, classes = random.randint(1, 60), random.randint(2, 30)
    options = [_reduction(random), *random.sample(["weight=w.abs()"], random.randint(0, 1))]
    target = _classes(random, count, classes)
    return f"F.nll_loss(z, torch.tensor({target}), {', '.join(options)})", {
        "z": (count, classes),
        "w": (classes,),
    }


def attention(random: Random) -> Program:
    heads, queries, keys, size = (random.randint(1, most) for most in (3, 40, 40, 32))
    values = random.choice([size, random.randint(1, 9)])
    batch = random.choice([(), (heads,), (2, heads)])
    keywords = random.choice(
        ["", "scale=0.3", "is_causal=True", "attn_mask=m", "attn_mask=m > 0.5", "enable_gqa=True"]
    )
    grouped = (2, 2 * heads) if "gqa" in keywords else batch
    batch = (2, heads) if "gqa" in keywords else batch
    shapes = {"q": (*grouped, queries, size), "k": (*batch, keys, size), "v": (*batch, keys, values)}
    return f"F.scaled_dot_product_attention(q, k, v, {keywords})", {**shapes, "m": (queries, keys)}


def cdist(random: Random) -> Program:
    most = random.choice([25, 40])
    first, second, size = (random.randint(1, n) for n in (most, most, 40))
    p = random.choice(["2.0", "2.0", "1.0", "3.0", "1.5", "0.0", "math.inf"])
    mode = random.choice(["", ", compute_mode='use_mm_for_euclid_dist'"]) if p == "2.0" else ""
    return f"torch.cdist(a, b, {p}{mode})", {"a": (first, size), "b": (second, size)}


def pdist(random: Random) -> Program:
    p = random.choice(["2.0", "1.0", "3.0"])
    return f"F.pdist(a, {p})", {"a": (random.randint(2, 20), random.randint(1, 40))}


def tensordot(random: Random) -> Program:
    i, j, k, m = (random.randint(1, 9) for _ in range(4))
    dims, first, second = random.choice(
        [
            ("2", (k, i, j), (i, j, m)),
            ("1", (k, i), (i, j, m)),
            ("([2, 0], [0, 1])", (i, j, k), (k, i)),
            ("([1], [1])", (i, j, k), (m, j)),
            ("([0, 1], [1, 0])", (i, j), (j, i)),
            ("([0, 1], [0, 1])", (i, j), (i, j)),
            ("([0, 1], [0, 1])", (1, j, k), (i, j, m)),
            ("1", (40,), (40,)),
            ("0", (i, j), (k,)),
        ]
    )
    return f"torch.tensordot(a, b, dims={dims})", {"a": first, "b": second}


def inner(random: Random) -> Program:
    i, j, k = random.randint(1, 9), random.randint(1, 9), random.randint(1, 99)
    first, second = random.choice(
        [((k,), (k,)), ((i, k), (k,)), ((i, k), (j, k)), ((2, i, k), (j, k)), ((k,), (3, k))]
    )
    call = random.choice(
        ["torch.inner(a, b)", "torch.inner(a.flip(-1), b)", "torch.inner(a[..., ::2], b[..., ::2])"]
    )
    return call, {"a": first, "b": second}


def bilinear(random: Random) -> Program:
    samples = [random.randint(1, 5) for _ in range(random.randint(0, 3))]
    given, bias = random.choice([(", c", {"c": (5,)}), ("", {})])
    return f"F.bilinear(a, b, w{given})", {"a": (*samples, 3), "b": (*samples, 4), "w": (5, 3, 4), **bias}


def trace(random: Random) -> Program:
    return random.choice(["torch.trace(a)", "a.trace()"]), {
        "a": (random.randint(1, 60), random.randint(1, 60))
    }


def sinc(random: Random) -> Program:
    return f"torch.sinc(a * {random.choice([0.001, 1.0, 100.0])})", {"a": (random.randint(1, 60),)}


def cross(random: Random) -> Program:
    count = random.randint(1, 20)
    first, second, dim = random.choice([((count, 3), (1, 3), -1), ((3, count), (3, count), 0)])
    return f"torch.cross(a, b, dim={dim})", {"a": first, "b": second}


def binary_cross_entropy(random: Random) -> Program:
    shape = random.randint(1, 20), random.randint(1, 20)
    weight = random.choice(["", "weight=w.abs(), "])
    call = f"F.binary_cross_entropy(torch.sigmoid(a), torch.sigmoid(b), {weight}{_reduction(random)})"
    return call, {"a": shape, "b": shape, "w": shape[1:]}


def batch_norm_training(random: Random) -> Program:
    channels = random.randint(1, 7)
    shape = random.randint(2, 20), channels, *(random.randint(1, 6) for _ in range(random.randint(0, 2)))
    given = random.choice(["weight=w, bias=v, ", "weight=w, ", ""])
    call = f"F.batch_norm(3 * a + 20, None, None, {given}training=True)"
    return call, {"a": shape, "w": (channels,), "v": (channels,)}


def triplet_margin_loss(random: Random) -> Program:
    shape = random.randint(1, 20), random.randint(1, 40)
    options = f"p={random.choice([1, 2, 3, 1.5])}, swap={random.choice([True, False])}, {_reduction(random)}"
    return f"F.triplet_margin_loss(a, b, c, {options})", dict.fromkeys("abc", shape)


PROGRAMS: list[Callable[[Random], Program]] = [
    *(cross_entropy, cross_entropy_of_pictures, nll_loss, binary_cross_entropy, triplet_margin_loss),
    *(attention, cdist, pdist, tensordot, inner, bilinear, trace, sinc, cross, batch_norm_training),
]


def drawn(make: Callable[[Random], Program], seed: int) -> tuple[str, dict[str, Tensor]]:
    call, shapes = make(Random(seed))
    generator = torch.Generator().manual_seed(seed)
    return call, {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def executed(call: str, inputs: dict[str, Tensor]) -> Tensor:
    with torch.no_grad():
        result: Tensor = eval(
            call,
            {"torch": torch, "F": F, "math": __import__("math"), **{k: x.clone() for k, x in inputs.items()}},
        )
    return result


@pytest.mark.parametrize("make", PROGRAMS, ids=lambda make: make.__name__)
def test_the_graph_computes_torchs_number_to_the_last_bit(
    make: Callable[[Random], Program], tmp_path: Path
) -> None:
    for seed in range(DRAWS):
        call, inputs = drawn(make, seed)
        expected = executed(call, inputs)
        capture = captured(tmp_path / "program.py", probe(HEADER, call, inputs, expected))
        assert [d.message for d in capture.diagnostics if d.code != "TL312"] == [], call
        (found,), (wanted,) = probed(capture, inputs), flat(expected)
        assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype), call
        same = (found.contiguous().view(torch.int32) == wanted.contiguous().view(torch.int32)) | (
            found.isnan() & wanted.isnan()
        )
        assert bool(same.all()), f"{call}: {found} {wanted}"


def graph_of(path: Path, call: str, inputs: dict[str, Tensor]) -> tuple[Graph, int]:
    """The graph of the call's result, and the result's node."""
    capture = captured(path, probe(HEADER, call, inputs, executed(call, inputs)))
    (root,) = (
        o.node for o in unit_of(capture).observations if o.role is Role.ASSIGNMENT and o.label == "probed_0"
    )
    graph, renumbered = capture.graph.cone([root])
    return graph, renumbered[root]


def test_every_such_function_is_among_the_programs(tmp_path: Path) -> None:
    ops = set()
    for make in PROGRAMS:
        for seed in range(4):
            graph, _ = graph_of(tmp_path / "program.py", *drawn(make, seed))
            ops |= {node.op for node in graph}
    assert set(FUSED) <= ops


@pytest.mark.parametrize("make", PROGRAMS, ids=lambda make: make.__name__)
def test_bounds_are_those_of_the_last_step_and_hold_what_torch_computes(
    make: Callable[[Random], Program], tmp_path: Path
) -> None:
    call, inputs = drawn(make, 3)
    graph, root = graph_of(tmp_path / "program.py", call, inputs)
    boxes = {name: Interval(x.double() - 0.05, x.double() + 0.05) for name, x in inputs.items()}
    for found in (propagate(graph, boxes), crown(graph, boxes, BoundsCache())):
        if graph[root].op in FUSED:
            last = graph[root].inputs[0]
            assert torch.equal(found[root].lower, found[last].lower)
            assert torch.equal(found[root].upper, found[last].upper)
        generator = torch.Generator().manual_seed(1)
        for _ in range(20):
            point = {k: x + 0.1 * torch.rand(x.shape, generator=generator) - 0.05 for k, x in inputs.items()}
            value = evaluate(graph, point, dtype=torch.float64)[root]
            slack = 1e-4 * (
                1 + value.abs()
            )  # float32 points may lie outside by a rounding, and bounds are exact
            inside = (found[root].lower - slack <= value) & (value <= found[root].upper + slack)
            assert bool((inside | value.isnan()).all())


@pytest.mark.parametrize("reduction", ["none", "sum"])
def test_of_probabilities_that_torch_refuses_the_steps_are_executed(reduction: str, tmp_path: Path) -> None:
    """A search may meet one, and goes on."""
    inputs = {"a": torch.tensor([0.5, 0.25]), "t": torch.tensor([0.5, 0.125])}
    call = f"F.binary_cross_entropy(a, t, reduction={reduction!r})"
    graph, root = graph_of(tmp_path / "program.py", call, inputs)
    for outside in ({"a": torch.tensor([0.5, 1.5])}, {"t": torch.tensor([0.5, -0.1])}):
        values = evaluate(graph, {**inputs, **outside})
        assert torch.equal(values[root].isnan(), values[graph[root].inputs[0]].isnan())
        assert bool(values[root].isnan().any()) == ("a" in outside)


def test_what_the_kernel_refuses_is_reported_as_torch_says_it(tmp_path: Path) -> None:
    text = HEADER + "d = torch.cdist(torch.zeros(3, 2).half(), torch.ones(4, 2).half())\n"
    (found,) = captured(tmp_path / "program.py", text).diagnostics
    assert found.code == "TL101" and "Half" in found.message


def test_what_repeats_is_one_number_after_such_a_function_too(tmp_path: Path) -> None:
    """Of numbers that are only known to lie in a range one is bounded, for however many there are."""
    shape = (2**9, 2**9)
    graph, root = graph_of(tmp_path / "program.py", "torch.sinc(x)", {"x": torch.zeros(1).expand(shape)})
    ends = (torch.tensor(end, dtype=torch.float64).expand(shape) for end in (0.25, 1.0))
    bounds = propagate(graph, {"x": Interval(*ends)})
    assert graph[root].op == "sinc" and bounds[root].bounded()
    assert bounds[root].lower.stride() == bounds[root].upper.stride() == (0, 0)
    error = rounding_errors(graph, bounds)[root].error
    assert error is not None and error.stride() == (0, 0)


def test_the_error_of_attention_counts_arguments_that_differ_where_bounds_do_not(tmp_path: Path) -> None:
    inputs = {"q": torch.zeros(2, 40, 3), "k": torch.ones(2, 7, 3), "v": torch.ones(2, 7, 5)}
    inputs["q"][1, 3] = 30.0
    graph, root = graph_of(tmp_path / "program.py", "F.scaled_dot_product_attention(q, k, v)", inputs)
    found = rounding_errors(graph, propagate(graph, {n: Interval.point(x) for n, x in inputs.items()}))[root]
    assert found.error is not None
    exact = evaluate(graph, inputs, dtype=torch.float64)[root]
    assert bool(
        ((F.scaled_dot_product_attention(**_named(inputs)).double() - exact).abs() <= found.error).all()
    )


def _named(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: inputs[name[0]] for name in ("query", "key", "value")}


def test_gradients_of_a_search_go_through_the_steps(tmp_path: Path) -> None:
    """The kernels have no derivative by a mask or by weights."""
    inputs = {"q": torch.randn(1, 2, 3, 4), "m": torch.randn(3, 3)}
    graph, root = graph_of(
        tmp_path / "program.py", "F.scaled_dot_product_attention(q, q, q, attn_mask=m)", inputs
    )
    leaves = {name: x.requires_grad_() for name, x in inputs.items()}
    (by_mask,) = torch.autograd.grad(evaluate(graph, leaves, by_steps=True)[root].sum(), [leaves["m"]])
    assert bool(by_mask.any())
