"""Weight files: every format is read, and nothing in a file can run code, exhaust memory or end in a traceback."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import struct
import zipfile
from pathlib import Path

import numpy
import pytest
import safetensors.torch
import torch
from torch import nn

from torchlean.capture import weight_formats
from torchlean.capture.weight_formats import Limits
from torchlean.capture.weights import WeightCache, WeightFileError, read_weights

STATE = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([1.5, -2.0])}


def refusal(path: Path) -> str:
    with pytest.raises(WeightFileError) as caught:
        _ = read_weights(str(path)).tensors
    return str(caught.value)


def saved(path: Path, content: object = None, **options: bool) -> Path:
    torch.save(STATE if content is None else content, path, **options)
    return path


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.pth", "a.npz", "a.ckpt", "a.bin"])
def test_every_format_gives_the_saved_tensors(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name.endswith(".npz"):
        numpy.savez(path, **{key: value.numpy() for key, value in STATE.items()})
    elif name.endswith((".safetensors", ".bin")):
        safetensors.torch.save_file(STATE, path)
    else:
        saved(path)
    read = read_weights(str(path))
    assert read.path == str(path)
    assert set(read.tensors) == set(STATE)
    assert all(torch.equal(read.tensors[key], value) for key, value in STATE.items())


def test_the_older_torch_format_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert torch.equal(read_weights(str(path)).tensors["bias"], STATE["bias"])


def test_the_only_dictionary_of_tensors_in_a_checkpoint_is_found(tmp_path: Path) -> None:
    path = saved(
        tmp_path / "a.pt", {"model": STATE, "epoch": 3, "optimizer": {"state": {}, "param_groups": []}}
    )
    read = read_weights(str(path))
    assert set(read.tensors) == set(STATE)
    assert read.content["epoch"] == 3  # type: ignore[index]  # a dictionary was saved


def test_several_dictionaries_of_tensors_are_not_guessed_between(tmp_path: Path) -> None:
    message = refusal(saved(tmp_path / "a.pt", {"model": STATE, "ema": STATE}))
    assert message.startswith("has several dictionaries of tensors, 'model' and 'ema': choose one")


def test_a_checkpoint_without_tensors_lists_its_keys(tmp_path: Path) -> None:
    assert "its keys are 'epoch', 'lr'" in refusal(saved(tmp_path / "a.pt", {"epoch": 3, "lr": 0.1}))


@pytest.mark.parametrize(
    ("content", "words"), [([1, 2], "holds a list"), (torch.zeros(3), "holds a single tensor")]
)
def test_something_else_than_named_tensors_says_what_it_is(
    content: object, words: str, tmp_path: Path
) -> None:
    assert refusal(saved(tmp_path / "a.pt", content)).startswith(words)


def test_a_pickled_module_is_refused_with_the_name_and_the_remedy(tmp_path: Path) -> None:
    message = refusal(saved(tmp_path / "a.pt", nn.Linear(2, 3)))
    assert "`torch.nn.modules.linear.Linear`" in message
    assert "torch.save(model.state_dict(), path)" in message


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return io.open, (str(self.target), "w")


@pytest.mark.parametrize("wrapped", [True, False])
def test_no_code_in_a_pickle_is_run(wrapped: bool, tmp_path: Path) -> None:
    target = tmp_path / "was_run"
    path = tmp_path / "a.pt"
    if wrapped:
        torch.save({"weight": Bomb(target)}, path)
    else:
        path.write_bytes(pickle.dumps({"weight": Bomb(target)}, protocol=2))
    refusal(path)
    assert not target.exists()


def test_pickled_objects_in_an_archive_are_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    numpy.savez(path, x=numpy.ones(2), o=numpy.array([Bomb(tmp_path / "was_run")]), s=numpy.array(["label"]))
    read = read_weights(str(path))
    assert list(read.tensors) == ["x"]
    assert "would run code" in read.unusable["o"]
    assert "no torch counterpart" in read.unusable["s"]
    assert not (tmp_path / "was_run").exists()


def test_big_endian_arrays_keep_their_numbers(tmp_path: Path) -> None:
    numpy.savez(tmp_path / "a.npz", x=numpy.array([1.5, -2.0], dtype=">f4"))
    assert torch.equal(read_weights(str(tmp_path / "a.npz")).tensors["x"], torch.tensor([1.5, -2.0]))


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".pth", ".npz", ".unknown"])
def test_an_empty_file_a_folder_a_missing_file_and_text_are_told_apart(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"empty{suffix}").touch()
    (tmp_path / f"folder{suffix}").mkdir()
    (tmp_path / f"text{suffix}").write_text("these are not weights, but a sentence of some length")
    assert refusal(tmp_path / f"empty{suffix}") == "is empty: was it fully written?"
    assert refusal(tmp_path / f"folder{suffix}") == "is a folder, not a file"
    assert refusal(tmp_path / f"missing{suffix}") == "does not exist"
    assert refusal(tmp_path / f"text{suffix}").startswith("is ")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pt")
    path.chmod(0)
    assert refusal(path) == "cannot be read: permission denied"


def test_a_path_that_no_file_can_have_is_an_error_like_any_other(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a\0b.pt").startswith("cannot be read")


def test_an_unknown_suffix_names_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("plain text")
    assert "expected .safetensors, .pt, .pth or .npz, got .txt" in refusal(tmp_path / "a.txt")


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "old.pt", "a.npz"])
def test_no_cut_or_flipped_byte_ends_in_anything_but_a_refusal(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "a.safetensors":
        safetensors.torch.save_file(STATE, path)
    elif name == "a.npz":
        numpy.savez(path, **{key: value.numpy() for key, value in STATE.items()})
    else:
        saved(path, _use_new_zipfile_serialization=name == "a.pt")
    whole = path.read_bytes()
    draw = random.Random(name)
    refused = 0
    for _ in range(150):
        damaged = bytearray(whole[: draw.randrange(len(whole))] if draw.random() < 0.5 else whole)
        for _ in range(draw.randrange(4)):
            if damaged:
                damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path.write_bytes(damaged)
        try:
            _ = read_weights(str(path)).tensors
        except WeightFileError:
            refused += 1
    assert refused > 50


def test_a_truncated_safetensors_file_says_how_much_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    safetensors.torch.save_file(STATE, path)
    path.write_bytes(path.read_bytes()[:-7])
    assert refusal(path) == "is truncated: 7 bytes are missing at its end; was it fully written?"


def test_a_header_that_claims_a_huge_tensor_is_refused_before_memory_is_asked_for(tmp_path: Path) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    assert refusal(path).startswith("is truncated")


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt", "a.npz"])
def test_tensors_beyond_the_limits_are_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    if name == "a.safetensors":
        safetensors.torch.save_file(STATE, path)
    elif name == "a.npz":
        numpy.savez(path, **{key: value.numpy() for key, value in STATE.items()})
    else:
        saved(path)
    monkeypatch.setattr(weight_formats, "LIMITS", Limits(tensor=5, total=100, file=10**6))
    assert "weight has shape (2, 3), 6 elements" in refusal(path)
    monkeypatch.setattr(weight_formats, "LIMITS", Limits(tensor=6, total=7, file=10**6))
    assert "8 elements" in refusal(path)
    monkeypatch.setattr(weight_formats, "LIMITS", Limits(tensor=6, total=8, file=100))
    assert "more than the 100 that TorchLean analyses" in refusal(path)


def test_one_number_that_claims_a_huge_shape_is_refused(tmp_path: Path) -> None:
    assert "is too large" in refusal(saved(tmp_path / "a.pt", {"w": torch.zeros(1).expand(2**40)}))


def test_a_small_archive_that_unpacks_to_a_huge_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(10**6))
    monkeypatch.setattr(weight_formats, "LIMITS", Limits(tensor=10**9, total=10**9, file=10**5))
    assert refusal(path).startswith("unpacks to 1000000 bytes")


def test_an_array_header_that_claims_more_than_the_member_holds_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    numpy.lib.format.write_array_header_1_0(
        buffer, {"descr": "<f4", "fortran_order": False, "shape": (10**7,)}
    )
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", buffer.getvalue())
    assert "`x` claims shape (10000000,)" in refusal(tmp_path / "a.npz")


def test_sparse_tensors_are_refused_by_place(tmp_path: Path) -> None:
    assert "nested tensor at ['w']" in refusal(saved(tmp_path / "a.pt", {"w": torch.eye(2).to_sparse()}))


def test_the_cache_gives_the_same_tensor_until_the_file_changes(tmp_path: Path) -> None:
    cache = WeightCache()
    path = saved(tmp_path / "a.pt")
    first = cache.read(str(path)).tensors["bias"]
    assert cache.read(str(path)).tensors["bias"] is first
    saved(path, {"bias": torch.tensor([3.0])})
    os.utime(path, ns=(1, 1))
    assert torch.equal(cache.read(str(path)).tensors["bias"], torch.tensor([3.0]))


def test_a_failure_is_remembered_until_the_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = WeightCache()
    path = tmp_path / "a.pt"
    path.write_bytes(b"damaged beyond repair")
    reads = []
    plain = weight_formats.read_content
    monkeypatch.setattr("torchlean.capture.weights.read_content", lambda p: (reads.append(p), plain(p))[1])
    for _ in range(3):
        with pytest.raises(WeightFileError):
            cache.read(str(path))
    assert len(reads) == 1
    saved(path)
    assert set(cache.read(str(path)).tensors) == set(STATE)


def test_the_cache_forgets_the_oldest_file_when_it_holds_too_much(tmp_path: Path) -> None:
    first, second = saved(tmp_path / "a.pt"), saved(tmp_path / "b.pt")
    cache = WeightCache(limit=first.stat().st_size + 10)
    held = cache.read(str(first)).tensors["bias"]
    cache.read(str(second))
    assert cache.read(str(first)).tensors["bias"] is not held
