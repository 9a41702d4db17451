"""Scalers that scikit-learn saved: read as data, and computed as scikit-learn computes them."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from tests.capture.probing import captured, probe, probed, unit_of

from torchlean.capture.pickles import Made, PickleError, read_pickle

REASON = "scikit-learn, which writes the files, is not installed"
joblib = pytest.importorskip("joblib", reason=REASON)
preprocessing = pytest.importorskip("sklearn.preprocessing", reason=REASON)

TABLE = numpy.random.default_rng(0).normal(size=(40, 3)) * [1, 10, 100] + [5, 0, -3]
X = torch.tensor([[0.0, -30.0, 300.0], [7.0, 1.0, -4.0], [5.0, 0.0, -3.0]])

MAKERS: dict[str, Callable[[], Any]] = {
    "standard": preprocessing.StandardScaler,
    "centred": lambda: preprocessing.StandardScaler(with_std=False),
    "scaled": lambda: preprocessing.StandardScaler(with_mean=False),
    "range": preprocessing.MinMaxScaler,
    "clipped": lambda: preprocessing.MinMaxScaler((-1, 1), clip=True),
    "greatest": preprocessing.MaxAbsScaler,
    "robust": preprocessing.RobustScaler,
    "spread": lambda: preprocessing.RobustScaler(with_centering=False),
}


def fitted(name: str) -> Any:
    return MAKERS[name]().fit(TABLE)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_gives_the_numbers_of_the_fit(name: str, protocol: int) -> None:
    scaler = fitted(name)
    read = read_pickle(pickle.dumps(scaler, protocol))
    assert isinstance(read, Made)
    assert str(read.symbol) == f"sklearn.preprocessing._data.{type(scaler).__name__}"
    arrays = {key: value for key, value in vars(scaler).items() if isinstance(value, numpy.ndarray)}
    assert arrays
    for key, value in arrays.items():
        assert read.state[key].dtype == value.dtype
        assert numpy.array_equal(read.state[key], value)


@pytest.mark.parametrize("call", ["transform", "inverse_transform"])
@pytest.mark.parametrize("kind", ["double", "int"])
@pytest.mark.parametrize("name", MAKERS)
def test_a_saved_scaler_computes_what_scikit_learn_computes(
    name: str, kind: str, call: str, tmp_path: Path
) -> None:
    scaler = fitted(name)
    joblib.dump(scaler, tmp_path / "scaler.joblib")
    given = getattr(X, kind)()
    expected = torch.from_numpy(numpy.asarray(getattr(scaler, call)(given.numpy())))
    text = 'import joblib\n\nscaler = joblib.load("scaler.joblib")\n'
    capture = captured(tmp_path / "m.py", probe(text, f"scaler.{call}(x.{kind}())", {"x": X}, expected))
    assert [d.message for d in capture.diagnostics] == []
    (result,) = probed(capture, {"x": X})
    assert result.dtype == torch.float64
    # Statistics of whole numbers times a reciprocal and the like: the operations are the same, one by one.
    assert torch.equal(result, expected)


def test_attributes_are_arrays_that_tensors_can_be_made_of(tmp_path: Path) -> None:
    scaler = fitted("standard")
    joblib.dump({"scaler": scaler, "names": ["a", "b", "c"]}, tmp_path / "all.joblib")
    numpy.savez(tmp_path / "statistics.npz", mean=scaler.mean_)
    text = (
        "import joblib\nimport numpy as np\nimport torch\n"
        "scaler = joblib.load('all.joblib')['scaler']\n"
        "mean = torch.tensor(np.load('statistics.npz')['mean'], dtype=torch.float32)\n"
        "scale = torch.tensor(scaler.scale_, dtype=torch.float32)\n"
    )
    mean, scale = (torch.tensor(part, dtype=torch.float32) for part in (scaler.mean_, scaler.scale_))
    expected = (X - mean) / scale
    capture = captured(tmp_path / "m.py", probe(text, "(x - mean) / scale", {"x": X}, expected))
    (result,) = probed(capture, {"x": X})
    assert torch.equal(result, expected)


class Harmful:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    target = tmp_path / "written"
    (tmp_path / "harmful.joblib").write_bytes(pickle.dumps({"a": Harmful(target)}))
    text = "import joblib\n\nscaler = joblib.load('harmful.joblib')\n"
    capture = captured(tmp_path / "m.py", text)
    (found,) = capture.diagnostics
    assert (found.code, found.span.line) == ("TL110", 2)
    assert "would be called when the file is loaded, and is refused" in found.message
    assert not target.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no pickle of protocol 2"),
        (b"x\x9c123", "compress=0"),
        (b"\x80\x04", "truncated"),
        (pickle.dumps({1, 2}), "opcode EMPTY_SET"),
        (pickle.dumps(numpy.array([None, 1], dtype=object)), "array of Python objects"),
    ],
)
def test_what_is_no_data_is_said(content: bytes, words: str) -> None:
    with pytest.raises(PickleError, match=words):
        read_pickle(content)


def test_containers_that_hold_themselves_are_refused(tmp_path: Path) -> None:
    endless: list[Any] = []
    endless.append(endless)
    laughs: Any = ["ha"]
    for _ in range(18):
        laughs = [laughs] * 9
    for content in (endless, laughs):
        (tmp_path / "much.joblib").write_bytes(pickle.dumps(content))
        capture = captured(tmp_path / "m.py", "import joblib\n\nscaler = joblib.load('much.joblib')\n")
        assert ["parts" in d.message for d in capture.diagnostics] == [True]


def test_files_that_are_cut_or_damaged_are_refused_or_read_and_nothing_else(tmp_path: Path) -> None:
    joblib.dump(fitted("range"), tmp_path / "scaler.joblib")
    data = (tmp_path / "scaler.joblib").read_bytes()
    draw = random.Random(0)
    damaged = [data[:length] for length in range(0, len(data), 3)]
    for _ in range(400):
        place = draw.randrange(len(data))
        damaged.append(data[:place] + bytes([draw.randrange(256)]) + data[place + 1 :])
    refused = 0
    for content in damaged:
        try:
            read_pickle(content)
        except PickleError:
            refused += 1
    assert refused > len(range(0, len(data), 3)) // 2


def test_numbers_in_float32_are_not_followed_since_versions_differ(tmp_path: Path) -> None:
    joblib.dump(fitted("standard"), tmp_path / "scaler.joblib")
    text = "import joblib\n\nscaler = joblib.load('scaler.joblib')\n"
    capture = captured(tmp_path / "m.py", probe(text, "scaler.transform(x)", {"x": X}, X))
    assert "versions round differently" in (unit_of(capture).failure or "")


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    joblib.dump(fitted("standard"), tmp_path / "scaler.joblib")
    text = "import joblib\n\nscaler = joblib.load('scaler.joblib')\n"
    capture = captured(tmp_path / "m.py", probe(text, "scaler.transform(x[:, :2].double())", {"x": X}, X))
    assert any("expecting 3 features" in d.message for d in capture.diagnostics)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    capture = captured(tmp_path / "m.py", "import joblib\n\nscaler = joblib.load('none.joblib')\n")
    (found,) = capture.diagnostics
    assert (found.code, "does not exist" in found.message) == ("TL110", True)


@pytest.mark.parametrize(
    "text",
    [
        "scaler = pickle.load(open('scaler.pkl', 'rb'))",
        "with open('scaler.pkl', 'rb') as file:\n    scaler = pickle.load(file)",
        "def load(path, mode='rb'):\n    return pickle.load(open(path, mode=mode))\nscaler = load('scaler.pkl')",
    ],
)
def test_a_scaler_is_read_from_a_file_that_was_opened(text: str, tmp_path: Path) -> None:
    scaler = fitted("standard")
    (tmp_path / "scaler.pkl").write_bytes(pickle.dumps(scaler))
    expected = torch.from_numpy(scaler.transform(X.double().numpy()))
    capture = captured(
        tmp_path / "m.py",
        probe(f"import pickle\n\n{text}\n", "scaler.transform(x.double())", {"x": X}, expected),
    )
    assert [d.message for d in capture.diagnostics] == []
    (result,) = probed(capture, {"x": X})
    assert torch.equal(result, expected)


@pytest.mark.parametrize(
    "before",
    [
        "pickle.load(f)",
        "f.read(2)",
        "next(iter(f))",
        "if x.sum() > 0:\n        f.seek(3)",
        "other(f)",
    ],
)
def test_a_file_that_may_stand_elsewhere_is_not_read(before: str, tmp_path: Path) -> None:
    (tmp_path / "two.pkl").write_bytes(pickle.dumps(1.0) + pickle.dumps(2.0))
    text = f"""
import pickle
from elsewhere import other

def second(x):
    f = open("two.pkl", "rb")
    {before}
    return x * pickle.load(f)
"""
    capture = captured(tmp_path / "m.py", probe(text, "second(x)", {"x": X}, X))
    assert any("the file of `pickle.load` is not known" in d.message for d in capture.diagnostics)


def test_sizes_of_a_network_come_from_a_json_file(tmp_path: Path) -> None:
    (tmp_path / "sizes.json").write_text('{"scale": [1.5, 2, 0.25], "name": "small", "deep": {"bias": true}}')
    text = """
import json
import torch

with open("sizes.json", encoding="utf-8") as f:
    sizes = json.load(f)
"""
    expression = "x * torch.tensor(sizes['scale']) + (1 if sizes['deep']['bias'] else 0)"
    expected = X * torch.tensor([1.5, 2, 0.25]) + 1
    capture = captured(tmp_path / "m.py", probe(text, expression, {"x": X}, expected))
    assert [d.message for d in capture.diagnostics] == []
    assert torch.equal(probed(capture, {"x": X})[0], expected)
    assert any(path.endswith("sizes.json") for path in capture.dependencies)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "does not exist"), ("[" * 5000, "is no JSON"), ("{'a': 1}", "is no JSON"), ("1e999", "")],
)
def test_data_that_cannot_be_read_is_unknown_and_no_error(
    content: str | None, reason: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "a.json").write_text(content)
    text = "import json\n\nfactor = json.load(open('a.json'))\n"
    capture = captured(tmp_path / "m.py", probe(text, "x * factor", {"x": X}, X))
    messages = [d.message for d in capture.diagnostics]
    assert all(d.code == "TL102" for d in capture.diagnostics)
    assert any(reason in message for message in messages) if reason else not messages


def test_weights_are_read_from_a_file_that_was_opened(tmp_path: Path) -> None:
    torch.save({"w": X}, tmp_path / "w.pt")
    text = "import torch\n\nwith open('w.pt', 'rb') as f:\n    state = torch.load(f)\n"
    capture = captured(tmp_path / "m.py", probe(text, "x + state['w']", {"x": X}, X + X))
    assert [d.message for d in capture.diagnostics] == []
    assert torch.equal(probed(capture, {"x": X})[0], X + X)
