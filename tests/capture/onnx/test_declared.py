"""What files declare of results in between: other types are refused and other shapes noted, as onnxruntime does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from onnx import TensorProto, helper
from tests.capture.onnx.building import model, saved, session, w, x

from torchlean.capture.onnx import OnnxError, load_onnx
from torchlean.cli import main
from torchlean.graph import evaluate

Size = int | str | None


def declaring(*values: onnx.ValueInfoProto, names: Sequence[str] = ("first", "second")) -> onnx.ModelProto:
    """`relu(x @ w)` of (1, 3) to (1, 4), with declarations of `h`, the product."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"], name=names[0]),
        helper.make_node("Relu", ["h"], ["y"], name=names[1]),
    ]
    proto = model(nodes, {"x": x(1, 3)}, {"w": w(3, 4)}, ["y"])
    proto.graph.value_info.extend(values)
    return proto


def stated(name: str, *sizes: Size, type: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, type, sizes)


@pytest.mark.parametrize("type", [TensorProto.DOUBLE, TensorProto.INT64, TensorProto.STRING])
def test_a_result_of_another_type_than_declared_is_refused_with_its_node(type: int, tmp_path: Path) -> None:
    path = saved(declaring(stated("h", 1, 4, type=type)), tmp_path)
    with pytest.raises(Exception, match="of output arg \\(h\\) of node \\(first\\) does not match"):
        session(path)
    with pytest.raises(OnnxError, match=r"result `h` is float32, but the file declares it as") as caught:
        load_onnx(path)
    (problem,) = caught.value.problems
    assert (problem.operator, problem.node) == ("MatMul", "first")


@pytest.mark.parametrize("sizes", [(1, 5), (4,), (7, 9), (0, 4), (1, 4, 1)])
def test_a_wrong_shape_of_a_result_is_noted_and_changes_nothing(
    sizes: tuple[Size, ...], tmp_path: Path
) -> None:
    path = saved(declaring(stated("h", *sizes)), tmp_path)
    loaded = load_onnx(path)
    text = f"({', '.join(map(str, sizes))}{',' * (len(sizes) == 1)})"
    assert loaded.notes == (
        f"the file declares the shape {text} for `h`, but MatMul `first` makes (1, 4) of its operands, which is what "
        "counts",
    )
    given = np.linspace(-1, 1, 3, dtype=np.float32).reshape(1, 3)
    (ours,) = (evaluate(loaded.graph, {"x": torch.from_numpy(given)})[id] for id in loaded.graph.outputs)
    (theirs,) = session(path).run(None, {"x": given})
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-6)


@pytest.mark.parametrize(
    "values", [[], [stated("h", 1, 4)], [stated("h", "N", 4)], [stated("h", None, -1)], [stated("z", 9)]]
)
def test_declarations_that_fit_or_are_of_nothing_are_not_noted(
    values: list[onnx.ValueInfoProto], tmp_path: Path
) -> None:
    assert load_onnx(saved(declaring(*values), tmp_path)).notes == ()


def test_many_wrong_shapes_are_counted(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", [f"h{i}"], [f"h{i + 1}"]) for i in range(9)]
    proto = model(nodes, {"h0": x(2, 2)}, {}, ["h9"])
    proto.graph.value_info.extend(stated(f"h{i}", 3) for i in range(1, 9))
    notes = load_onnx(saved(proto, tmp_path)).notes
    assert len(notes) == 6 and notes[-1] == "3 more declared shapes are not those of the results"


def test_the_command_says_so_on_standard_error_and_decides(tmp_path: Path) -> None:
    proto = declaring(stated("h", 1, 5))
    proto.graph.output[0].CopyFrom(stated("y", 2, 2))
    path, asked = saved(proto, tmp_path), tmp_path / "p.vnnlib"
    lines = [f"(declare-const X_{i} Real)(assert (<= 0 X_{i} 1))" for i in range(3)]
    lines += [f"(declare-const Y_{j} Real)" for j in range(4)]
    asked.write_text("\n".join([*lines, "(assert (<= Y_0 -1))"]))
    result = CliRunner().invoke(main, ["verify", str(path), str(asked), "--workers", "1"])
    assert result.exit_code == 0 and result.stdout.endswith("unsat\n"), result.output
    assert [line.partition(": warning: ")[2][:40] for line in result.stderr.splitlines()] == [
        "the file declares the shape (1, 5) for `",
        "the file declares the shape (2, 2) for `",
    ]


def test_nodes_need_no_names_but_names_are_unique_as_in_onnxruntime(tmp_path: Path) -> None:
    unnamed = saved(declaring(names=("", "")), tmp_path)
    session(unnamed)
    assert load_onnx(unnamed).outputs[0].shape == (1, 4)
    twice = saved(declaring(names=("same", "same")), tmp_path)
    with pytest.raises(Exception, match="two nodes with same node name"):
        session(twice)
    with pytest.raises(OnnxError, match="`same` is the name of more than one node"):
        load_onnx(twice)
