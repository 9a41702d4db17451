"""What a model is called with: declared inputs, open sizes, and shapes that the caller states."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from onnx import TensorProto, helper

from torchlean.capture.onnx import OnnxError, OnnxModel, OnnxValue, load_onnx

Size = int | str | None


def loaded(shapes: dict[str, list[Size] | None], folder: Path, **keywords: object) -> OnnxModel:
    """A model that adds zero to each of its inputs."""
    declared = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in shapes.items()]
    nodes = [helper.make_node("Relu", [name], [f"{name}_out"]) for name in shapes]
    outputs = [helper.make_tensor_value_info(f"{n}_out", TensorProto.FLOAT, None) for n in shapes]
    proto = helper.make_model(
        helper.make_graph(nodes, "test", declared, outputs), opset_imports=[helper.make_opsetid("", 13)]
    )
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return load_onnx(path, **keywords)  # type: ignore[arg-type]


def test_an_open_batch_is_one_and_said_to_be_assumed(tmp_path: Path) -> None:
    model = loaded({"x": ["batch_size", 3]}, tmp_path)
    assert model.inputs == (OnnxValue("x", (1, 3), torch.float32, "batch_size"),)
    assert model.outputs == (OnnxValue("x_out", (1, 3), torch.float32),)


@pytest.mark.parametrize("size", [None, -1])
def test_a_batch_without_a_name_is_one(size: Size, tmp_path: Path) -> None:
    assert loaded({"x": [size, 3]}, tmp_path).inputs[0] == OnnxValue("x", (1, 3), torch.float32, "?")


def test_other_open_sizes_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        OnnxError, match=r"`x` has shape \(1, length, width\), which leaves `length`, `width` open"
    ):
        loaded({"x": ["n", "length", "width"]}, tmp_path)


def test_a_vector_of_open_length_has_no_batch(tmp_path: Path) -> None:
    with pytest.raises(OnnxError, match="leaves `n` open: write the model with numbers there"):
        loaded({"x": ["n"]}, tmp_path)


def test_the_caller_states_open_sizes(tmp_path: Path) -> None:
    model = loaded({"x": ["n", "length"], "z": ["n", "length", 2]}, tmp_path, inputs={"x": (4, 5)})
    assert [value.shape for value in model.inputs] == [(4, 5), (4, 5, 2)]
    assert [value.batch for value in model.inputs] == [None, None]


def test_a_stated_shape_must_fit_the_file(tmp_path: Path) -> None:
    with pytest.raises(OnnxError, match=r"\(2, 4\) given for `x` does not fit \(n, 3\)"):
        loaded({"x": ["n", 3]}, tmp_path, inputs={"x": (2, 4)})


def test_a_size_has_one_value(tmp_path: Path) -> None:
    with pytest.raises(OnnxError, match="`n` is given as 2 and as 3"):
        loaded({"x": ["n", "n"]}, tmp_path, inputs={"x": (2, 3)})


def test_a_shape_for_no_input_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OnnxError, match="a shape is given for `y`, but the model's inputs are: `x`"):
        loaded({"x": ["n", 3]}, tmp_path, inputs={"y": (2, 3)})


def test_an_input_without_a_shape_needs_one(tmp_path: Path) -> None:
    with pytest.raises(OnnxError, match="`x` has no shape in the file"):
        loaded({"x": None}, tmp_path)
    assert loaded({"x": None}, tmp_path, inputs={"x": (2, 3)}).inputs[0].shape == (2, 3)


def test_an_input_without_elements_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OnnxError, match=r"`x` has shape \(1, 0\): there is no number in it"):
        loaded({"x": [1, 0]}, tmp_path)
