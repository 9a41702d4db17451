"""Files that are broken, or ask for what is not supported: one clear error each, never a wrong model."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.capture.onnx.building import Case, Free, floats, ints, model, saved, scalar, w, x

from torchlean.capture.onnx import OnnxError, load_onnx

make = helper.make_node


def plain() -> onnx.ModelProto:
    """A model without fault."""
    nodes = [make("Gemm", ["x", "w", "b"], ["h"], name="first"), make("Relu", ["h"], ["y"])]
    return model(nodes, {"x": x(2, 3)}, {"w": w(3, 4), "b": w(4)}, ["y"])


def refused(proto: onnx.ModelProto, folder: Path) -> str:
    with pytest.raises(OnnxError) as caught:
        load_onnx(saved(proto, folder))
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"this is no model", "not an ONNX model"),
        (b"\x08\x07", "there is no graph in it"),
        (plain().SerializeToString()[:-7], "not an ONNX model, or cut off"),
    ],
)
def test_what_is_no_model_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(OnnxError, match=reason):
        load_onnx(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OnnxError, match="cannot be read: No such file"):
        load_onnx(tmp_path / "absent.onnx")
    with pytest.raises(OnnxError, match="cannot be read: Is a directory"):
        load_onnx(tmp_path)


def test_names_that_would_steer_a_terminal_are_escaped(tmp_path: Path) -> None:
    proto = plain()
    proto.graph.node[1].op_type, proto.graph.node[1].name = "Größe", "\x1b[31mred\r\0"
    message = refused(proto, tmp_path)
    assert "Größe: the operator is not supported" in message
    assert r"at `\x1b[31mred\r\x00` (output `y`)" in message


Edit = Callable[[Any], object]

FAULTS: dict[str, tuple[Edit, str]] = {
    "two nodes make one value": (
        lambda g: g.node.append(make("Neg", ["x"], ["h"])),
        "`h` is made more than once",
    ),
    "a node makes an initialiser": (lambda g: g.node.append(make("Neg", ["x"], ["w"])), "`w` is made more"),
    "an initialiser is stored twice": (lambda g: g.initializer.append(g.initializer[0]), "`w` is made more"),
    "a name that nothing makes": (
        lambda g: g.node[1].input.__setitem__(0, "lost"),
        r"Relu \(output `y`\) reads `lost`, which nothing in the file makes",
    ),
    "a circle": (lambda g: g.node[0].input.__setitem__(0, "y"), "`h`, `y` depend on each other in a circle"),
    "no outputs": (lambda g: g.ClearField("output"), "the model has no outputs"),
    "an output that nothing makes": (
        lambda g: g.output.append(onnx.ValueInfoProto(name="z")),
        "`z` is declared as output, but nothing in the file makes it",
    ),
    "a node without outputs": (lambda g: g.node[1].ClearField("output"), "'Relu' has no output"),
    "missing numbers": (
        lambda g: g.initializer[0].ClearField("raw_data"),
        "the initialiser `w`: 12 elements of float32 are declared, 0 are stored",
    ),
    "too few numbers": (
        lambda g: setattr(g.initializer[0], "raw_data", b"1234"),
        "the initialiser `w`: 12 elements of float32 need 48 bytes, it has 4",
    ),
    "a negative size": (
        lambda g: g.initializer[0].dims.__setitem__(0, -3),
        r"the initialiser `w`: it has a negative size: \(-3, 4\)",
    ),
    "more elements than memory": (
        lambda g: g.initializer[0].dims.__setitem__(0, 10**12),
        "the initialiser `w`: it has 4,000,000,000,000 elements, more than the 134,217,728 that are read",
    ),
    "numbers of an unknown type": (
        lambda g: setattr(g.initializer[0], "data_type", TensorProto.COMPLEX64),
        "the initialiser `w`: the element type COMPLEX64 is not supported",
    ),
    "an input that is no tensor": (
        lambda g: g.input[0].type.sequence_type.elem_type.tensor_type.SetInParent(),
        "the input `x` is not a tensor",
    ),
    "an input of strings": (
        lambda g: setattr(g.input[0].type.tensor_type, "elem_type", TensorProto.STRING),
        "the input `x`: the element type STRING is not supported",
    ),
    "a huge input": (
        lambda g: setattr(g.input[0].type.tensor_type.shape.dim[0], "dim_value", 2**40),
        "the input `x` has shape .*: more than 134,217,728 elements",
    ),
    "an output of another type": (
        lambda g: setattr(g.output[0].type.tensor_type, "elem_type", TensorProto.DOUBLE),
        "the output `y` is declared as torch.float64, but computed as torch.float32",
    ),
    "sparse weights": (lambda g: g.sparse_initializer.add(), "sparse initialisers are not supported"),
    "shapes that do not fit": (lambda g: g.node[0].input.__setitem__(1, "b"), "it multiplies matrices"),
    "types that do not fit": (
        lambda g: setattr(g.input[0].type.tensor_type, "elem_type", TensorProto.DOUBLE),
        "linear needs operands of one dtype, got float64, float32",
    ),
    "an attribute twice": (
        lambda g: g.node[0].attribute.extend(2 * [helper.make_attribute("alpha", 1.0)]),
        "an attribute is given twice",
    ),
    "an attribute of another type": (
        lambda g: g.node[0].attribute.append(helper.make_attribute("alpha", "one")),
        "its attribute `alpha` must be a number, it is a string",
    ),
    "an attribute of two types": (
        lambda g: g.node[0].attribute.append(
            onnx.AttributeProto(name="alpha", type=onnx.AttributeProto.FLOAT, f=1.0, i=2)
        ),
        "its attribute `alpha` is a number, and something else as well",
    ),
    "two nodes of one name": (
        lambda g: setattr(g.node[1], "name", "first"),
        "`first` is the name of more than one node",
    ),
    "an attribute that is NaN": (
        lambda g: g.node[0].attribute.append(helper.make_attribute("alpha", float("nan"))),
        r"its attribute `alpha` is not a number \(NaN\)",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_graph_is_refused_with_the_reason(fault: str, tmp_path: Path) -> None:
    edit, reason = FAULTS[fault]
    proto = plain()
    edit(proto.graph)
    with pytest.raises(OnnxError, match=reason):
        load_onnx(saved(proto, tmp_path))


@pytest.mark.parametrize("name", ["first", "h", "alpha", "w"])
def test_names_that_are_not_text_are_refused(name: str, tmp_path: Path) -> None:
    proto = plain()
    proto.graph.node[0].attribute.append(helper.make_attribute("alpha", 1.0))
    length = bytes([len(name)])
    content = proto.SerializeToString().replace(length + name.encode(), length + b"\xff" * len(name))
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(OnnxError, match=r"a name in the file is not text \(UTF-8\)"):
        load_onnx(path)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(number: float, tmp_path: Path) -> None:
    weight = w(3, 4)
    weight[1, 2] = number
    proto = model([make("MatMul", ["x", "w"], ["y"])], {"x": x(2, 3)}, {"w": weight}, ["y"])
    text = refused(proto, tmp_path)
    assert (
        f"the initialiser `w` has 1 of 12 elements that are not finite, the first is {number} at (1, 2)"
        in text
    )


def test_constants_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    nodes = [make("Sqrt", ["minus"], ["k"], name="root"), make("Mul", ["x", "k"], ["y"])]
    text = refused(model(nodes, {"x": x(2, 3)}, {"minus": scalar(-1.0)}, ["y"]), tmp_path)
    assert "Sqrt: its value, which depends on constants only, contains NaN" in text


@pytest.mark.parametrize("version", [6, 24, 99])
def test_other_operator_sets_are_refused(version: int, tmp_path: Path) -> None:
    proto = plain()
    proto.opset_import[0].version = version
    assert f"opset {version} is not supported: 7 to 23 are" in refused(proto, tmp_path)


def test_a_file_must_state_its_operator_set(tmp_path: Path) -> None:
    proto = plain()
    proto.ClearField("opset_import")
    assert "must ask for one version of the ONNX operator set, it states none" in refused(proto, tmp_path)


def test_every_missing_operator_is_named_with_its_number_of_nodes(tmp_path: Path) -> None:
    nodes = [
        make("NonZero", ["x"], ["a"], name="find"),
        make("Relu", ["a"], ["b"]),
        make("Hardmax", ["x"], ["c"], name="hard"),
        make("Hardmax", ["c"], ["d"]),
        make("Gelu", ["x"], ["e"], domain="com.microsoft"),
        make("Conv", ["x", "w"], ["f"], name="image"),
    ]
    proto = model(nodes, {"x": x(2, 3)}, {"w": w(1, 1, 1, 1)}, ["b", "d", "e", "f"])
    with pytest.raises(OnnxError) as caught:
        load_onnx(saved(proto, tmp_path))
    text, problems = str(caught.value), caught.value.problems
    assert "NonZero (1 node), Hardmax (2 nodes), com.microsoft.Gelu (1 node), Conv (1 node); opset 13" in text
    assert "Hardmax: the operator is not supported\n    at `hard` (output `c`), output `d`" in text
    assert [(p.operator, p.node, p.output, p.opset) for p in problems] == [
        ("NonZero", "find", "a", 13),
        ("Hardmax", "hard", "c", 13),
        ("Hardmax", "", "d", 13),
        ("com.microsoft.Gelu", "", "e", 13),
        ("Conv", "image", "f", 13),
    ]
    assert "expected (batch, channels, sizes...)" in problems[-1].reason


IMAGE = x(1, 2, 6, 5)
UNSUPPORTED = [
    (Case("Relu", 13, [x(2)], {"consumed_inputs": [0]}), "the attribute `consumed_inputs` is not supported"),
    (Case("MaxPool", 12, [IMAGE], {"kernel_shape": [2, 2]}, 2), "its output `out1` is not supported"),
    (Case("BatchNormalization", 15, [IMAGE, *4 * [w(2) ** 2]], {"training_mode": 1}), "training_mode"),
    (Case("Resize", 13, [IMAGE, None, w(4) ** 0], {"mode": "cubic"}), "mode 'cubic'"),
    (Case("Pad", 13, [x(2), ints(1, 1)], {"mode": "wrap"}), "the mode 'wrap' does not exist in opset 13"),
    (Case("Reshape", 13, [x(2, 3), Free((1,), dtype="int64")]), "the shape depends on the model's inputs"),
    (Case("Reshape", 13, [x(2, 3), ints(4, 2)]), "shape (2, 3) with 6 elements cannot become (4, 2)"),
    (Case("Reshape", 13, [x(2, 3), scalar(6.0)]), "the shape must be a list of integers"),
    (Case("ConstantOfShape", 9, [ints(10**9, 10**9)]), "more than the 134,217,728 elements"),
    (Case("Expand", 13, [x(1), ints(2**40)]), "more than the 134,217,728 elements"),
    (Case("Tile", 13, [x(2), ints(2**40)]), "more than the 134,217,728 elements"),
    (Case("Pad", 13, [x(2), ints(2**40, 0)]), "more than the 134,217,728 elements"),
    (
        Case("Resize", 13, [IMAGE, None, np.array([1, 1, 1e5, 1], np.float32)]),
        "more than the 16,384 supported",
    ),
    (Case("Range", 13, [scalar(0.0), scalar(1e30), scalar(1.0)]), "more than the 134,217,728 elements"),
    (Case("Gather", 13, [x(2), ints(5)]), "an index is out of range for a dimension of 2 elements"),
    (Case("Transpose", 13, [x(2, 3)], {"perm": [0, 0]}), "does not name each dimension"),
    (Case("Concat", 13, [x(2, 3), x(3, 3)], {"axis": 1}), "(3, 3)"),
    (Case("Add", 13, [x(2, 3), np.zeros(3, np.float64)]), "its inputs must have one type"),
    (Case("Add", 13, [x(2, 3), x(2)]), "do not broadcast"),
    (Case("Add", 13, [x(2, 3)]), "it takes 2 inputs, it is given 1"),
    (Case("Relu", 13, [None]), "its input 0 is missing"),
    (Case("Sin", 13, [Free((2,), dtype="int64")]), "it takes fractions"),
    (Case("Conv", 11, [IMAGE, w(3, 2, 9, 9)]), "Kernel size can't be greater"),
    (Case("Conv", 11, [IMAGE, w(3, 2, 2, 2)], {"strides": [0, 1]}), "`strides` must be 2 positive integers"),
    (Case("Softmax", 13, [x(2)], {"axis": 3}), "axis 3 is out of range"),
    (Case("Softmax", 9, [x(2, 3)], {"axis": 2}), "axis 2 is out of range"),
    (Case("ReduceSum", 11, [x(2, 3)], {"keepdims": 2}), "its attribute `keepdims` must be 0 or 1, it is 2"),
    (Case("MaxPool", 12, [IMAGE], {"kernel_shape": [2, 2], "ceil_mode": -1}), "`ceil_mode` must be 0 or 1"),
    (
        Case(
            "MaxPool",
            12,
            [x(1, 2, 1, 5)],
            {"kernel_shape": [2, 2], "dilations": [2, 1], "pads": [1, 0, 1, 0]},
        ),
        "windows that lie in the padding altogether",
    ),
    (Case("Gelu", 13, [x(2)]), "opset 13 has no such operator"),
    (
        Case("MaxPool", 8, [IMAGE], {"kernel_shape": [2, 2], "ceil_mode": 1}),
        "no attribute `ceil_mode` in opset 8",
    ),
    (
        Case("Resize", 13, [IMAGE, None, np.ones(4)]),
        "its input 2 (`scales`) is float64, the standard allows float32",
    ),
    (Case("Resize", 11, [IMAGE, None, w(4) ** 0]), "its input 1 (`roi`) is missing"),
    (
        Case("MaxPool", 11, [Free((1, 2, 6, 5), dtype="int8")], {"kernel_shape": [2, 2]}),
        "is int8, the standard allows",
    ),
    (
        Case("Slice", 13, [x(4), ints(0), np.array([2], np.int32)]),
        "is int32, and must be int64 as another is",
    ),
    (
        Case(
            "AveragePool", 19, [IMAGE], {"kernel_shape": [3, 2], "strides": [2, 7], "auto_pad": "SAME_LOWER"}
        ),
        "auto_pad 'SAME_LOWER' with strides (2, 7) beyond the windows",
    ),
    (
        Case("Resize", 18, [IMAGE, None, floats(2, 2)], {"axes": [3, -1]}),
        "the axes (3, -1) name a dimension twice",
    ),
    (Case("Split", 19, [x(4)], {}, 2), "the sizes of its pieces or `num_outputs`, and exactly one"),
    (Case("Flatten", 9, [x(2, 3)], {"axis": -1}), "axis -1 is out of range"),
    (Case("Dropout", 13, [x(2, 3), floats(0.5)]), "its ratio must be one number"),
    (Case("Mod", 13, [x(2, 3), floats(0.7)]), "only the remainder with `fmod=1`"),
    (Case("Min", 7, [x(2, 3), w(3)]), "its inputs must have one shape before opset 8"),
    (Case("Clip", 7, [x(2, 3)], {"min": 2.0, "max": 1.0}), "its limits leave nothing between 2 and 1"),
    (
        Case("ConvTranspose", 11, [x(1, 2, 1, 1), w(2, 3, 3, 3)], {"pads": [1, 1, 1, 4]}),
        "its pads leave sizes (1, -2)",
    ),
    (Case("Pad", 19, [x(2, 3), ints(0, 2, 0, 1), w(2)], {"mode": "edge"}), "the number to write must be one"),
    *(
        (
            Case("Slice", 13, [x(5), ints(3), ints(end), ints(0), ints(-1)]),
            f"backward to the end {end} is nothing",
        )
        for end in (2**31 - 1, 2**63 - 1)
    ),
    *(
        (
            Case(op, 19, [IMAGE], {"kernel_shape": [2, 3], "dilations": [1, 2], "auto_pad": "SAME_UPPER"}),
            "is another padding in onnxruntime than by the standard",
        )
        for op in ("MaxPool", "AveragePool")
    ),
    (
        Case("Resize", 13, [x(1, 1, 3, 4), None, floats(1, 1, 5 / 3, 1)]),
        "whether 3 elements times the scale 1.66666663 are 4 or 5 depends on rounding",
    ),
    (
        Case(
            "Resize",
            13,
            [x(1, 1, 3, 4), None, None, ints(1, 1, 5, 4)],
            {"mode": "linear", "coordinate_transformation_mode": "asymmetric"},
        ),
        "in the mode 'asymmetric' needs weights that are rounded",
    ),
    (
        Case("Resize", 13, [x(1, 1, 5, 4), None, floats(1, 1, 0.6, 0.5)], {"nearest_mode": "floor"}),
        "which element is the nearest to 1.9999999 depends on rounding",
    ),
]


@pytest.mark.parametrize(("case", "reason"), UNSUPPORTED, ids=lambda v: str(v).replace("/", " "))
def test_what_a_node_asks_for_in_vain_is_said(case: Case, reason: str, tmp_path: Path) -> None:
    with pytest.raises(OnnxError) as caught:
        load_onnx(saved(case.model(), tmp_path))
    (problem,) = caught.value.problems
    assert (problem.operator, problem.node, problem.output) == (case.op, "the_node", "out0")
    assert reason in problem.reason


def external(location: str, **more: str) -> onnx.ModelProto:
    proto = plain()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return proto


@pytest.mark.parametrize(
    ("location", "more", "reason"),
    [
        ("absent.bin", {}, "cannot be read"),
        ("../secret.bin", {}, "lies outside the model's folder"),
        ("/etc/hostname", {}, "lies outside the model's folder"),
        ("link.bin", {}, "lies outside the model's folder"),
        ("", {}, "has no location"),
        ("a\0b", {}, "cannot be found"),
        (".", {}, "cannot be read"),
        ("short.bin", {}, "need 48 bytes, it has 5"),
        ("short.bin", {"length": "5"}, "has 5 bytes, its shape and type need 48"),
        ("short.bin", {"offset": "-1"}, "has offset '-1', expected a number of bytes"),
        ("short.bin", {"offset": "9" * 30}, "expected a number of bytes"),
        ("short.bin", {"offset": "4096"}, "it has 0"),
    ],
)
def test_data_beside_the_file_must_be_there_and_in_its_folder(
    location: str, more: dict[str, str], reason: str, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(48))
    (folder / "short.bin").write_bytes(b"short")
    (folder / "link.bin").symlink_to(tmp_path / "secret.bin")
    assert reason in refused(external(location, **more), folder)


def test_an_attribute_cannot_name_other_files(tmp_path: Path) -> None:
    tensor = helper.make_tensor("k", TensorProto.FLOAT, [1], [1.0])
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    node = make("Constant", [], ["y"])
    node.attribute.append(helper.make_attribute("value", tensor))
    assert "its external data has no location" in refused(model([node], {"x": x(1)}, {}, ["y"]), tmp_path)


def seeds() -> list[bytes]:
    shaped = [make("Shape", ["x"], ["s"]), make("Reshape", ["x", "s"], ["h"]), make("Softmax", ["h"], ["y"])]
    image = [
        make("Conv", ["x", "w"], ["a"], pads=[1, 1, 1, 1]),
        make("MaxPool", ["a"], ["b"], kernel_shape=[2, 2], strides=[2, 2]),
        make("Pad", ["b", "p"], ["c"], mode="reflect"),
        make("Slice", ["c", "one", "two"], ["d"]),
        make("ReduceMean", ["d"], ["y"], axes=[2, 3]),
    ]
    known = {"w": w(2, 2, 3, 3), "p": ints(0, 0, 1, 1, 0, 0, 1, 1), "one": ints(0), "two": ints(2)}
    protos = [plain(), model(shaped, {"x": x(2, 3)}, {}, ["y"]), model(image, {"x": IMAGE}, known, ["y"])]
    return [proto.SerializeToString() for proto in protos]


FLIPS = 300
"""Damaged files for each of the seeds; each takes a millisecond or two."""


@pytest.mark.parametrize("seed", range(3))
def test_damaged_files_load_or_are_refused(seed: int, tmp_path: Path) -> None:
    """Whatever bytes are changed or cut off, nothing but an OnnxError is raised, and nothing huge is allocated."""
    content, generator, path = seeds()[seed], random.Random(seed), tmp_path / "model.onnx"
    outcomes = {"loaded": 0, "refused": 0}
    for _ in range(FLIPS):
        damaged = bytearray(content)
        for _ in range(generator.choice([1, 1, 2, 5])):
            damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
        if generator.random() < 0.2:
            del damaged[generator.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        try:
            load_onnx(path)
        except OnnxError:
            outcomes["refused"] += 1
        else:
            outcomes["loaded"] += 1
    assert min(outcomes.values()) > 0, outcomes
