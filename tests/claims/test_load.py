"""`tl.load` finds weights from the caller's folder, fits them strictly, and says precisely what is wrong."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import torchlean as tl
from torchlean.claims.api import resolve


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.Dropout(), nn.Linear(3, 1))


@pytest.fixture
def trained() -> nn.Module:
    torch.manual_seed(7)
    return network()


def save(module: nn.Module, path: Path) -> Path:
    state = module.state_dict()
    if path.suffix == ".safetensors":
        save_file(state, path)
    elif path.suffix == ".npz":
        np.savez(path, **{name: value.numpy() for name, value in state.items()})
    else:
        torch.save(state, path)
    return path


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt", "w.pth", "w.npz"])
def test_every_format_gives_the_weights_back_in_evaluation_mode(trained, tmp_path, name) -> None:
    fresh = network()
    loaded = tl.load(fresh, save(trained, tmp_path / name))
    assert loaded is fresh and not loaded.training
    for key, value in trained.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value)


def test_a_relative_path_counts_from_the_folder_of_the_calling_file(trained, tmp_path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    save(trained, folder / "w.safetensors")
    script = folder / "model.py"
    script.write_text(
        "import torch\nimport torchlean as tl\n"
        "net = tl.load(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Dropout(), torch.nn.Linear(3, 1)),"
        " 'w.safetensors')\n"
        "print(net(torch.zeros(2)).item())\n"
    )
    done = subprocess.run(
        [sys.executable, "model/model.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == trained.eval()(torch.zeros(2)).item()


def test_resolve_follows_the_file_the_working_directory_only_without_one(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve("w.pt", "/project/model.py") == Path("/project/w.pt")
    assert resolve("sub/w.pt", "model.py") == tmp_path / "sub/w.pt"
    assert resolve("/abs/w.pt", "/project/model.py") == Path("/abs/w.pt")
    assert resolve("w.pt", "<stdin>") == tmp_path / "w.pt"


def test_a_missing_file_is_named_in_full() -> None:
    expected = Path(__file__).parent / "nowhere.safetensors"
    with pytest.raises(FileNotFoundError) as error:
        tl.load(network(), "nowhere.safetensors")
    assert str(expected) in str(error.value) and "folder of the file that calls" in str(error.value)


def test_all_misfits_are_listed_at_once(tmp_path) -> None:
    path = save(
        nn.Sequential(nn.Linear(2, 4), nn.Dropout(), nn.Dropout(), nn.Linear(4, 1)), tmp_path / "w.pt"
    )
    module = network()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    with pytest.raises(ValueError) as error:
        tl.load(module, path)
    message = str(error.value)
    assert "wrong shape: `0.weight` needs (3, 2), the file has (4, 2)" in message
    assert "missing: `2.weight` (1, 3)" in message
    assert "unexpected: `3.bias` (1,)" in message
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])  # nothing is half loaded


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("w.safetensors", b"not weights at all", "not a valid safetensors"),
        ("w.pt", b"not weights at all", "not a checkpoint"),
        ("w.npz", b"not weights at all", "not a NumPy archive"),
        ("w.bin", b"not weights at all", "no known format"),
        ("w.pt", b"", "is empty"),
    ],
)
def test_a_damaged_or_unknown_file_is_a_value_error_that_names_it(tmp_path, name, content, words) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=words) as error:
        tl.load(network(), tmp_path / name)
    assert str(tmp_path / name) in str(error.value)


def test_a_pickled_module_is_refused_without_running_it(trained, tmp_path) -> None:
    torch.save(trained, tmp_path / "whole.pt")
    with pytest.raises(ValueError, match="state_dict"):
        tl.load(network(), tmp_path / "whole.pt")


def test_a_class_in_place_of_an_instance_is_told_to_be_called(tmp_path) -> None:
    class Net(nn.Module):
        pass

    with pytest.raises(TypeError, match=r"needs a module instance.*write Net\(\)"):
        tl.load(Net, tmp_path / "w.pt")
