"""Whole models: the public benchmark networks, and what blocks of several nodes become."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import helper, numpy_helper
from tests.capture.onnx.building import Array, Free, ints, model, saved, scalar, session, tensors, w, x

from torchlean.bounds.crown import crown
from torchlean.capture.onnx import OnnxModel, load_onnx
from torchlean.graph import evaluate, validate
from torchlean.intervals import Interval

PUBLIC = Path(__file__).parents[4] / "shared" / "data" / "vnncomp"
"""Networks of the verification competition; not part of the repository."""

NETWORKS = sorted(PUBLIC.glob("*/onnx/*.onnx"))
DRAWS = 100
TOLERANCE = 2e-5
"""Relative to 1 + |value|: sums of up to 784 binary32 products in another order."""

make = helper.make_node


@pytest.fixture(params=NETWORKS or [None], ids=lambda path: path.stem if path else "none")
def network(request: pytest.FixtureRequest) -> Path:
    if request.param is None:
        pytest.skip(f"the competition's networks are not at {PUBLIC}")
    path: Path = request.param
    return path


def assert_agrees(loaded: OnnxModel, path: Path, draws: int = DRAWS) -> None:
    """The graph computes what onnxruntime computes, on random inputs."""
    validate(loaded.graph)
    reference, generator = session(path), np.random.default_rng(0)
    for _ in range(draws):
        inputs = {v.name: generator.normal(size=v.shape).astype(np.float32) for v in loaded.inputs}
        values = evaluate(loaded.graph, tensors(inputs))
        for id, array in zip(loaded.graph.outputs, reference.run(None, inputs), strict=True):
            got = values[id].numpy()
            assert got.shape == array.shape
            assert (np.abs(got - array) / (1 + np.abs(array))).max() <= TOLERANCE


def test_public_networks_compute_what_onnxruntime_computes(network: Path) -> None:
    assert_agrees(load_onnx(network), network)


def test_public_networks_have_finite_linear_bounds(network: Path) -> None:
    loaded = load_onnx(network)
    box = {
        v.name: Interval(torch.full(v.shape, -0.1).double(), torch.full(v.shape, 0.1).double())
        for v in loaded.inputs
    }
    bounds = crown(loaded.graph, box)
    for id in loaded.graph.outputs:
        assert not bounds[id].undefined
        assert bool(torch.isfinite(bounds[id].lower).all() and torch.isfinite(bounds[id].upper).all())


def built(
    nodes: list, known: dict[str, Array], folder: Path, outputs: tuple[str, ...] = ("y",), opset: int = 13,
    shape: tuple[int, ...] = (2, 3), dtype: str = "float32",
) -> tuple[OnnxModel, Path]:  # fmt: skip
    path = saved(model(nodes, {"x": Free(shape, dtype=dtype)}, known, outputs, opset), folder)
    return load_onnx(path), path


def ops(loaded: OnnxModel) -> list[str]:
    return [node.op for node in loaded.graph]


def test_a_matrix_and_its_bias_are_one_linear(tmp_path: Path) -> None:
    nodes = [make("MatMul", ["x", "w"], ["h"]), make("Add", ["b", "h"], ["y"])]
    loaded, path = built(nodes, {"w": w(3, 4), "b": w(1, 4)}, tmp_path)
    assert ops(loaded) == ["input", "parameter", "parameter", "linear"]
    assert [node.label for node in loaded.graph] == ["x", "w", "b", "y"]
    assert_agrees(loaded, path, 3)


def test_a_product_that_is_read_twice_keeps_its_own_node(tmp_path: Path) -> None:
    nodes = [
        make("MatMul", ["x", "w"], ["h"]),
        make("Add", ["h", "b"], ["s"]),
        make("Mul", ["s", "h"], ["y"]),
    ]
    loaded, path = built(nodes, {"w": w(3, 4), "b": w(4)}, tmp_path)
    assert ops(loaded).count("linear") == 1
    assert ops(loaded).count("add") == 1
    assert_agrees(loaded, path, 3)


def test_a_product_that_is_an_output_keeps_its_own_node(tmp_path: Path) -> None:
    nodes = [make("MatMul", ["x", "w"], ["h"]), make("Add", ["h", "b"], ["y"])]
    loaded, path = built(nodes, {"w": w(3, 4), "b": w(4)}, tmp_path, ("y", "h"))
    assert ops(loaded).count("linear") == 1
    assert_agrees(loaded, path, 3)


def test_nodes_that_share_a_weight_share_its_node_and_its_transpose(tmp_path: Path) -> None:
    nodes = [make("MatMul", ["x", "w"], ["h"]), make("Relu", ["h"], ["r"]), make("MatMul", ["r", "w"], ["y"])]
    loaded, path = built(nodes, {"w": w(3, 3)}, tmp_path)
    assert ops(loaded) == ["input", "parameter", "linear", "relu", "linear"]
    assert_agrees(loaded, path, 3)


def test_chains_that_change_nothing_leave_no_nodes(tmp_path: Path) -> None:
    nodes = [
        make("Identity", ["x"], ["a"]),
        make("Flatten", ["a"], ["b"]),
        make("Reshape", ["b", "flat"], ["c"]),
        make("Reshape", ["c", "back"], ["d"]),
        make("Transpose", ["d"], ["e"], perm=[0, 1]),
        make("Dropout", ["e"], ["f"]),
        make("Relu", ["f"], ["y"]),
    ]
    loaded, path = built(nodes, {"flat": ints(-1), "back": ints(2, 3)}, tmp_path)
    assert ops(loaded) == ["input", "relu"]
    assert_agrees(loaded, path, 3)


def test_a_shape_computed_by_nodes_is_known(tmp_path: Path) -> None:
    nodes = [
        make("Shape", ["x"], ["s"]),
        make("Gather", ["s", "zero"], ["n"]),
        make("Unsqueeze", ["n", "zeros"], ["n1"]),
        make("Cast", ["n1"], ["nf"], to=1),
        make("Mul", ["nf", "one_and_a_half"], ["more"]),
        make("Floor", ["more"], ["whole"]),
        make("Cast", ["whole"], ["n3"], to=7),
        make("Concat", ["n3", "minus"], ["shape"], axis=0),
        make("Reshape", ["x", "shape"], ["y"]),
    ]
    known = {"zero": np.array(0), "zeros": ints(0), "minus": ints(-1), "one_and_a_half": scalar(1.5)}
    loaded, path = built(nodes, known, tmp_path)
    assert loaded.outputs[0].shape == (3, 2)
    assert ops(loaded) == ["input", "reshape"]
    assert_agrees(loaded, path, 3)


def test_rounded_arithmetic_on_weights_stays_in_the_graph(tmp_path: Path) -> None:
    """Its exact value is not a binary32 number: replacing it by one would exclude the real result."""
    nodes = [make("Div", ["w", "three"], ["third"]), make("Mul", ["x", "third"], ["y"])]
    loaded, path = built(nodes, {"w": w(3), "three": scalar(3.0)}, tmp_path)
    assert ops(loaded) == ["input", "parameter", "parameter", "div", "mul"]
    assert_agrees(loaded, path, 3)


def test_nodes_may_stand_in_any_order(tmp_path: Path) -> None:
    nodes = [make("Relu", ["h"], ["y"]), make("Neg", ["x"], ["h"])]
    loaded, _ = built(nodes, {}, tmp_path)
    assert ops(loaded) == ["input", "neg", "relu"]


def test_nodes_that_no_output_needs_do_not_matter(tmp_path: Path) -> None:
    nodes = [make("Relu", ["x"], ["y"]), make("NonMaxSuppression", ["x"], ["z"])]
    loaded, _ = built(nodes, {}, tmp_path)
    assert ops(loaded) == ["input", "relu"]


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_a_model_keeps_its_dtype(dtype: str, tmp_path: Path) -> None:
    nodes = [make("Gemm", ["x", "w", "b"], ["h"]), make("Relu", ["h"], ["y"])]
    loaded, path = built(nodes, {"w": w(3, 4).astype(dtype), "b": w(4).astype(dtype)}, tmp_path, dtype=dtype)
    assert {str(node.type.dtype) for node in loaded.graph} == {f"torch.{dtype}"}
    inputs = {"x": np.random.default_rng(0).normal(size=(2, 3)).astype(dtype)}
    (expected,) = session(path).run(None, inputs)
    (got,) = (evaluate(loaded.graph, tensors(inputs))[id].numpy() for id in loaded.graph.outputs)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-2 if dtype == "float16" else 1e-13)


def test_a_residual_convolutional_block_agrees(tmp_path: Path) -> None:
    stats = [w(4, seed=3), w(4, seed=4), w(4, seed=5), np.array([0.5, 1.0, 1.5, 2.0], np.float32)]
    known = {"w1": w(4, 2, 3, 3), "w2": w(4, 4, 3, 3), "w3": w(4, 2, 1, 1), "f": w(36, 5)}
    known |= {f"s{i}": array for i, array in enumerate(stats)}
    nodes = [
        make("Conv", ["x", "w1"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
        make("BatchNormalization", ["a", "s0", "s1", "s2", "s3"], ["b"]),
        make("Relu", ["b"], ["c"]),
        make("Conv", ["c", "w2"], ["d"], pads=[1, 1, 1, 1]),
        make("Conv", ["x", "w3"], ["e"], strides=[2, 2]),
        make("Add", ["d", "e"], ["g"]),
        make("Relu", ["g"], ["h"]),
        make("Flatten", ["h"], ["i"]),
        make("MatMul", ["i", "f"], ["y"]),
    ]
    loaded, path = built(nodes, known, tmp_path, shape=(1, 2, 6, 6))
    assert_agrees(loaded, path, 20)
    centre = torch.zeros(1, 2, 6, 6).double()
    bounds = crown(loaded.graph, {"x": Interval(centre - 0.01, centre + 0.01)})
    assert bool(torch.isfinite(bounds[loaded.graph.outputs[0]].upper).all())


def test_an_attention_block_agrees(tmp_path: Path) -> None:
    known = {name: w(4, 4, seed=i) for i, name in enumerate(("wq", "wk", "wv", "wo"))}
    known |= {"scale": scalar(0.5), "g": w(4), "b": w(4, seed=1), "root": scalar(2**0.5)}
    known |= {"one": scalar(1.0), "half": scalar(0.5)}
    nodes = [make("LayerNormalization", ["x", "g", "b"], ["n"])]
    nodes += [make("MatMul", ["n", f"w{letter}"], [letter]) for letter in "qkv"]
    nodes += [
        make("Transpose", ["k"], ["kt"], perm=[0, 2, 1]),
        make("MatMul", ["q", "kt"], ["scores"]),
        make("Mul", ["scores", "scale"], ["scaled"]),
        make("Softmax", ["scaled"], ["p"]),
        make("MatMul", ["p", "v"], ["mixed"]),
        make("MatMul", ["mixed", "wo"], ["out"]),
        make("Add", ["x", "out"], ["r"]),
        make("Div", ["r", "root"], ["r1"]),
        make("Erf", ["r1"], ["r2"]),
        make("Add", ["r2", "one"], ["r3"]),
        make("Mul", ["r", "r3"], ["r4"]),
        make("Mul", ["r4", "half"], ["y"]),
    ]
    loaded, path = built(nodes, known, tmp_path, opset=17, shape=(1, 3, 4))
    assert_agrees(loaded, path, 20)
    centre = torch.tensor([[[1.0, -1.0, 0.5, 0.0], [0.0, 1.0, 2.0, -1.0], [2.0, 0.0, -1.0, 1.0]]]).double()
    bounds = crown(loaded.graph, {"x": Interval(centre - 0.01, centre + 0.01)})
    (out,) = loaded.graph.outputs
    value = evaluate(loaded.graph, {"x": centre}, dtype=torch.float64)[out]
    assert bool(((bounds[out].lower <= value) & (value <= bounds[out].upper)).all())


def test_data_beside_the_file_is_read(tmp_path: Path) -> None:
    weight = w(3, 4)
    (tmp_path / "weights.bin").write_bytes(b"skip" + weight.tobytes())
    proto = model([make("MatMul", ["x", "w"], ["y"])], {"x": x(2, 3)}, {"w": weight}, ["y"])
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = 1
    for key, value in (("location", "weights.bin"), ("offset", "4"), ("length", "48")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    path = saved(proto, tmp_path)
    assert_agrees(load_onnx(path), path, 3)


@pytest.mark.parametrize(
    "array",
    [
        np.array([0.5, -1.5], np.float16),
        np.array([0.5, -1.5], np.float64),
        np.array([0.5, -1.5], np.float32),
        np.array([-3, 7], np.int8),
        np.array([3, 200], np.uint8),
        np.array([-3, 7], np.int32),
        np.array([-3, 7], np.int64),
        np.array([True, False]),
    ],
    ids=lambda array: str(array.dtype),
)
@pytest.mark.parametrize("raw", [False, True])
def test_numbers_are_read_from_every_field(array: Array, raw: bool, tmp_path: Path) -> None:
    kind = helper.np_dtype_to_tensor_dtype(array.dtype)
    stored = numpy_helper.from_array(array, "k") if raw else helper.make_tensor("k", kind, array.shape, array)
    proto = model([make("Identity", ["k"], ["y"])], {"x": x(1)}, {}, ["y"])
    proto.graph.initializer.append(stored)
    loaded = load_onnx(saved(proto, tmp_path))
    data = loaded.graph[loaded.graph.outputs[0]].data
    assert data is not None
    assert data.numpy().dtype == array.dtype
    assert data.tolist() == array.tolist()
