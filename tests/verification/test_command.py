"""`torchlean verify` as scripts use it: bad input of every kind gets a message, exit code 2, and no file by halves."""

from __future__ import annotations

import gzip
import json
import math
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner, Result
from onnx import numpy_helper
from tests.verification.networks import Writer, endless, executed, mlp, saved
from tests.verification.properties import text

from torchlean.cli import main
from torchlean.vnnlib import witness

WORDS = {"unsat": 0, "sat": 1, "unknown": 1, "timeout": 1, "error": 2}
"""First words of the last line, and the exit codes that go with them."""

BOX = [("-1", "1")]
HOLDS, FAILS = "(>= Y_0 1000)", "(<= Y_0 1000)"


def run(*arguments: object, word: str) -> Result:
    """The command in this process; its last line and its exit code say `word`."""
    result = CliRunner().invoke(main, ["verify", *map(str, arguments), "--workers", "1"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.stdout.splitlines()[-1].split()[0] == word, result.output
    assert result.exit_code == WORDS[word]
    return result


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return saved(mlp(random.Random(1), [1, 3, 1]), tmp_path)


def written(folder: Path, content: str | bytes, name: str = "property.vnnlib") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_each_verdict_has_its_word_its_exit_code_and_its_files(network: Path, tmp_path: Path) -> None:
    for condition, word in ((HOLDS, "unsat"), (FAILS, "sat")):
        content = written(tmp_path, text(BOX, 1, condition))
        result, tree = tmp_path / "result.txt", tmp_path / "tree.json"
        run(network, content, "--result", result, "--certificate", tree, word=word)
        assert witness.read(str(result)).verdict == word
        document = json.loads(tree.read_text())
        assert (document["verdict"], len(document["regions"])) == (word, 1 if word == "unsat" else 0)
        if word == "sat":
            found = witness.read(str(result))
            assert math.isclose(executed(network, found.x)[0], float(found.y[0]), rel_tol=1e-5)


def test_nothing_but_results_is_on_standard_output(network: Path, tmp_path: Path) -> None:
    odd = text(BOX, 1, "(<= X_0 0.5)", FAILS)
    result = run(network, written(tmp_path, odd), word="sat")
    assert "TL122" in result.stderr and "TL122" not in result.stdout
    assert result.stdout.splitlines()[1].split()[:2] == ["X_0", "="]


def test_compressed_files_are_read(network: Path, tmp_path: Path) -> None:
    model = written(tmp_path, gzip.compress(network.read_bytes()), "m.onnx.gz")
    content = written(tmp_path, gzip.compress(text(BOX, 1, HOLDS).encode()), "p.vnnlib.gz")
    run(model, content, word="unsat")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\x00\x01not a model", "not an ONNX model"),
        (b"(declare-const X_0 Real)", "not an ONNX model"),
    ],
)
def test_what_is_no_model_is_an_error(content: bytes, says: str, tmp_path: Path) -> None:
    model = written(tmp_path, content, "model.onnx")
    assert says in run(model, written(tmp_path, text(BOX, 1, HOLDS)), word="error").stderr


def test_a_model_that_is_cut_off_anywhere_is_an_error(network: Path, tmp_path: Path) -> None:
    whole, content = network.read_bytes(), written(tmp_path, text(BOX, 1, HOLDS))
    for length in range(1, len(whole), len(whole) // 12):
        run(written(tmp_path, whole[:length], "cut.onnx"), content, word="error")


def test_a_damaged_archive_is_an_error(network: Path, tmp_path: Path) -> None:
    packed = gzip.compress(network.read_bytes())
    content = written(tmp_path, text(BOX, 1, HOLDS))
    for damaged in (packed[:-20], packed[:40] + b"\xff" * 20 + packed[60:], b"\x1f\x8b"):
        assert "cannot be read" in run(written(tmp_path, damaged, "m.onnx.gz"), content, word="error").stderr


MALFORMED = ["", "(assert", "(assert (<= X_0 Y_0 Z_3))", "((((", "\ufeffx", "(declare-const X_0 Int)"]


@pytest.mark.parametrize("content", MALFORMED)
def test_a_malformed_property_is_an_error(content: str, network: Path, tmp_path: Path) -> None:
    run(network, written(tmp_path, content), word="error")


@pytest.mark.parametrize(
    ("inputs", "outputs", "condition", "says"),
    [
        (2, 1, HOLDS, "2 inputs"),
        (1, 2, "(<= Y_1 Y_0)", "2 outputs"),
    ],
)
def test_a_property_of_other_dimensions_is_an_error(
    inputs: int, outputs: int, condition: str, says: str, network: Path, tmp_path: Path
) -> None:
    content = written(tmp_path, text(BOX * inputs, outputs, condition))
    assert says in run(network, content, word="error").stderr


@pytest.mark.parametrize(
    ("declared", "word"),
    [("[1,2,3]", "unsat"), ("[2,3]", "unsat"), ("[6]", "unsat"), ("[3,2]", "error"), ("[1,3,2]", "error")],
)
def test_tensors_of_version_2_must_have_the_shape_of_the_networks(
    declared: str, word: str, tmp_path: Path
) -> None:
    """A matrix and its transpose have as many elements, in another order."""
    writer = Writer(random.Random(0))
    flat = writer.op("Flatten", writer.input("x", 1, 2, 3))
    network = saved(writer.model(writer.gemm(flat, 6, 1)), tmp_path)
    sizes = [int(size) for size in declared[1:-1].split(",")]
    names = [f"A[{','.join(map(str, place))}]" for place in np.ndindex(*sizes)]
    content = (
        f"(vnnlib-version <2.0>) (declare-network f (declare-input A real {declared}) (declare-output B real [1,1]))"
        + "".join(f"(assert (<= -1 {name} 1))" for name in names)
        + "(assert (>= B[0,0] 1000))"
    )
    result = run(network, written(tmp_path, content), word=word)
    if word == "error":
        assert "the property declares inputs of shape [" in result.stderr and "`x` [1, 2, 3]" in result.stderr


def test_a_damaged_archive_of_a_property_is_named(network: Path, tmp_path: Path) -> None:
    packed = gzip.compress(text(BOX, 1, HOLDS).encode())
    for damaged in (packed[:-9], b"no archive", packed[:20] + b"\xff" * 9 + packed[29:]):
        result = run(network, written(tmp_path, damaged, "p.vnnlib.gz"), word="error")
        assert "p.vnnlib.gz: damaged archive: " in result.stderr


def test_an_unbounded_input_is_an_error_that_names_it(network: Path, tmp_path: Path) -> None:
    content = text(BOX, 1, HOLDS).replace("(assert (<= X_0 1))\n", "")
    assert "X_0 is not bounded" in run(network, written(tmp_path, content), word="error").stderr


def test_bounds_beyond_all_numbers_are_an_error(network: Path, tmp_path: Path) -> None:
    content = written(tmp_path, text([("-1e400", "1e400")], 1, HOLDS))
    assert "too large" in run(network, content, word="error").stderr


def test_a_property_without_inputs_in_it_holds_and_says_why(network: Path, tmp_path: Path) -> None:
    result = run(network, written(tmp_path, text([("1", "-1")], 1, FAILS)), word="unsat")
    assert "holds of nothing" in result.stdout and "empty" in result.stderr


def test_unsupported_operators_are_named_with_their_nodes(tmp_path: Path) -> None:
    writer = Writer(random.Random(0))
    value = writer.op("Det", writer.op("Bernoulli", writer.input("x", 1, 1), name="a"), name="b")
    model = saved(writer.model(value, opset=15), tmp_path)
    message = run(model, written(tmp_path, text(BOX, 1, HOLDS)), word="error").stderr
    assert "Bernoulli" in message and "node_a" in message


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_weights_that_are_no_finite_numbers_are_an_error(
    number: float, network: Path, tmp_path: Path
) -> None:
    model = onnx.load(str(network))
    weight = model.graph.initializer[0]
    array = numpy_helper.to_array(weight).copy()
    array[0] = number
    weight.CopyFrom(numpy_helper.from_array(array, weight.name))
    message = run(saved(model, tmp_path), written(tmp_path, text(BOX, 1, HOLDS)), word="error").stderr
    assert "not finite" in message and weight.name in message


def test_whole_numbers_as_inputs_are_an_error(tmp_path: Path) -> None:
    writer = Writer(random.Random(0))
    value = writer.op("Cast", writer.input("x", 1, dtype="int64"), to=onnx.TensorProto.FLOAT)
    model = saved(writer.model(value), tmp_path)
    message = run(model, written(tmp_path, text(BOX, 1, HOLDS)), word="error").stderr
    assert "real numbers" in message


def test_a_network_without_inputs_is_an_error(tmp_path: Path) -> None:
    writer = Writer(random.Random(0))
    model = saved(writer.model(writer.op("Relu", writer.weight(1))), tmp_path)
    assert "no inputs" in run(model, written(tmp_path, text(BOX, 1, HOLDS)), word="error").stderr


def test_a_network_without_outputs_is_an_error(tmp_path: Path) -> None:
    writer = Writer(random.Random(0))
    writer.op("Relu", writer.input("x", 1))
    model = saved(writer.model(), tmp_path)
    assert "no outputs" in run(model, written(tmp_path, text(BOX, 1, HOLDS)), word="error").stderr


def test_an_execution_that_overflows_is_no_counterexample(tmp_path: Path) -> None:
    """The real value is 2 for every input; in float32 the first product is infinite for most."""
    writer = Writer(random.Random(0))
    big = writer.op("Mul", writer.input("x", 1), writer.weight(1, values=[3e38]))
    back = writer.op("Mul", writer.op("Sub", big, big), writer.weight(1, values=[1e-30]))
    model = saved(writer.model(writer.op("Add", back, writer.weight(1, values=[2.0]))), tmp_path)
    far = [("5", "10")]
    result = CliRunner().invoke(
        main, ["verify", str(model), str(written(tmp_path, text(far, 1, "(<= Y_0 1)"))), "--timeout", "5"]
    )
    assert result.stdout.splitlines()[-1] in ("unsat", "unknown", "timeout"), result.output


def test_inputs_beyond_float32_are_not_executed(network: Path, tmp_path: Path) -> None:
    """Every number of the region is read as infinity, and infinity is no input."""
    content = written(tmp_path, text([("1e39", "2e39")], 1, "(>= Y_0 -1e60)"))
    result = CliRunner().invoke(main, ["verify", str(network), str(content), "--timeout", "3"])
    assert result.stdout.splitlines()[-1] in ("unknown", "timeout"), result.output


def test_huge_and_long_coefficients_are_computed_with_exactly(network: Path, tmp_path: Path) -> None:
    long = "0.1234567890123456789012345678901"
    for condition, word in (
        (f"(>= (* {long} Y_0) {long}000)", "unsat"),
        (f"(>= (+ (* 1e30 Y_0) (* {long} X_0)) 1e33)", "unsat"),
        (f"(<= (+ (* 1e30 Y_0) (* {long} X_0)) 1e33)", "sat"),
        ("(<= (+ (* 1e-300 Y_0) (* 1e300 X_0)) 1e305)", "error"),
    ):
        if "000)" in condition:
            condition = condition.replace(f"{long}000)", "123.4567890123456789012345678901)")
        run(network, written(tmp_path, text(BOX, 1, condition)), word=word)


@pytest.mark.parametrize("option", ["--result", "--certificate"])
def test_places_that_cannot_be_written_are_refused_before_the_search(option: str, tmp_path: Path) -> None:
    model, content = endless(tmp_path)
    missing, file_as_folder = tmp_path / "missing" / "out", content / "out"
    for place in (missing, file_as_folder, Path("/proc/out")):
        message = run(model, content, option, place, word="error").stderr
        assert "cannot be written" in message


@pytest.mark.parametrize("option", ["--result", "--certificate"])
def test_results_are_never_written_over_what_is_read(option: str, tmp_path: Path) -> None:
    model, content = endless(tmp_path)
    link = tmp_path / "link"
    link.symlink_to(content)
    before = model.read_bytes(), content.read_bytes()
    for place in (model, content, link, tmp_path / "." / content.name):
        assert "same file" in run(model, content, option, place, word="error").stderr
    assert before == (model.read_bytes(), content.read_bytes())


def test_result_and_certificate_must_be_two_files(network: Path, tmp_path: Path) -> None:
    content, place = written(tmp_path, text(BOX, 1, HOLDS)), tmp_path / "out"
    run(network, content, "--result", place, "--certificate", place, word="error")
    assert not place.exists()


def test_results_go_where_a_link_leads_and_nothing_else_is_left(network: Path, tmp_path: Path) -> None:
    content = written(tmp_path, text(BOX, 1, HOLDS))
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "real").write_text("old")
    (folder / "link").symlink_to(folder / "real")
    run(network, content, "--certificate", folder / "link", "--result", "/dev/null", word="unsat")
    assert json.loads((folder / "real").read_text())["verdict"] == "unsat"
    assert (folder / "link").is_symlink() and len(list(folder.iterdir())) == 2
    assert Path("/dev/null").is_char_device()


def test_a_verdict_is_not_lost_when_its_file_cannot_be_written(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    content = written(tmp_path, text(BOX, 1, HOLDS))
    (tmp_path / "out").mkdir()
    place = tmp_path / "out" / "result"
    result = CliRunner().invoke(main, ["verify", str(network), str(content), "--result", str(place)])
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (2, "unsat")
    assert "No space left" in result.stderr and not list(place.parent.iterdir())


def test_an_error_is_written_to_the_result_file(network: Path, tmp_path: Path) -> None:
    place = tmp_path / "result"
    run(network, written(tmp_path, "(assert"), "--result", place, word="error")
    assert witness.read(str(place)).verdict == "error"


@pytest.mark.parametrize(
    "wrong", [["x.onnx", "p.vnnlib"], [".", "."], [], ["--timeout", "0"], ["--timeout", "x"]]
)
def test_wrong_usage_prints_no_result(wrong: list[str]) -> None:
    result = CliRunner().invoke(main, ["verify", *wrong])
    assert (result.exit_code, result.stdout) == (2, "")


def shapes(name: str) -> tuple[Writer, list[str]]:
    writer = Writer(random.Random(0))
    if name == "scalars":
        return writer, [writer.op("Add", writer.input("x"), writer.input("x2"))]
    if name == "batch":
        return writer, [writer.op("Flatten", writer.op("Relu", writer.input("x", "N", 2)))]
    if name == "several":
        first, second = writer.input("a", 1, 1), writer.input("b", 1, 1)
        both = writer.op("Concat", first, second, axis=1)
        return writer, [writer.op("Relu", both), writer.op("Identity", second)]
    raise AssertionError(name)


@pytest.mark.parametrize(
    ("name", "outputs", "condition", "word"),
    [
        ("scalars", 1, "(>= Y_0 1.75)", "unsat"),
        ("scalars", 1, "(>= Y_0 1.5)", "sat"),
        ("batch", 2, "(and (>= Y_0 0.5) (>= Y_1 1.0))", "sat"),
        ("batch", 2, "(or (> Y_0 0.51) (>= Y_1 1.01))", "unsat"),
        ("several", 3, "(and (>= Y_0 0.5) (<= Y_2 -1))", "sat"),
        ("several", 3, "(and (> Y_1 0.01) (<= Y_2 0))", "unsat"),
    ],
)
def test_shapes_of_every_kind(name: str, outputs: int, condition: str, word: str, tmp_path: Path) -> None:
    writer, results = shapes(name)
    content = written(tmp_path, text([("-0.5", "0.5"), ("-1", "1")], outputs, condition))
    run(saved(writer.model(*results), tmp_path), content, word=word)


@pytest.mark.parametrize("offset", [Fraction(0), Fraction(1, 10**12)])
def test_a_number_that_the_network_cannot_hold_is_shown_as_the_file_has_it(
    offset: Fraction, tmp_path: Path
) -> None:
    """What is executed is the nearest float32 number; the message says so, and the witness lies in the region."""
    writer = Writer(random.Random(0))
    model = saved(writer.model(writer.op("Identity", writer.input("x", 1))), tmp_path)
    high = Fraction(1, 10) + offset
    place = tmp_path / "result"
    content = written(tmp_path, text([("0.1", f"{float(high):.13f}")], 1, "(>= Y_0 0.0999)"))
    result = run(model, content, "--result", place, word="sat")
    assert "read as the nearest" in result.stdout
    found = witness.read(str(place))
    assert Fraction(1, 10) <= found.x[0] <= high
    assert found.y[0] == Fraction(float(np.float32(0.1)))


@pytest.mark.parametrize("limit", ["nan", "inf", "-inf", "1e300", "-1", "0", "soon"])
def test_a_time_limit_that_is_none_is_wrong_usage(limit: str, network: Path, tmp_path: Path) -> None:
    content = written(tmp_path, text(BOX, 1, HOLDS))
    result = CliRunner().invoke(main, ["verify", str(network), str(content), "--timeout", limit])
    assert isinstance(result.exception, SystemExit) and result.exit_code == 2 and result.stdout == ""
    assert "Invalid value for '--timeout'" in result.stderr


@pytest.mark.parametrize(
    ("names", "word"), [("a b", "sat"), ("p q", "sat"), ("b a", "error"), ("b c", "sat")]
)
def test_tensors_of_version_2_that_are_called_like_the_networks_are_in_its_order(
    names: str, word: str, tmp_path: Path
) -> None:
    """`a - b`: of which of both the bounds are decides the verdict."""
    writer = Writer(random.Random(0))
    writer.input("a", 1), writer.input("b", 1)
    network = saved(writer.model(writer.op("Sub", "a", "b", name="y")), tmp_path)
    first, second = names.split()
    declared = f"(declare-input {first} float32 [1])(declare-input {second} float32 [1])"
    content = (
        f"(vnnlib-version <2.0>)(declare-network f {declared}(declare-output y float32 [1]))"
        f"(assert (<= 2 {first}[0] 3))(assert (<= 0 {second}[0] 1))(assert (>= y[0] 1))"
    )
    result = run(network, written(tmp_path, content), word=word)
    assert (
        word != "error" or "declares the inputs b, a, the network has them in the order a, b" in result.stderr
    )
