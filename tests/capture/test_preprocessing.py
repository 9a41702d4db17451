"""What stands before a network: transforms of torchvision applied to a tensor become ops that compute the same.

Every case is compared with torchvision itself where that can be imported. Its wheel of the package registry is built
for another build of torch than the one tests run with and does not load beside it, and it is no dependency; so every
case is compared with the operations that torchvision's documentation states as well.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from tests.capture.probing import captured, probe, probed, unit_of
from tests.capture.test_corner_cases import bits
from torch import Tensor

BYTES = (torch.arange(3 * 6 * 5) * 7 % 256).to(torch.uint8).reshape(3, 6, 5)
REALS = BYTES.float() / 255
SMALL = BYTES[:, :3, :2]

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
NORMALIZE = "Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))"


def normalized(x: Tensor) -> Tensor:
    return (x - MEAN[:, None, None]) / STD[:, None, None]


def resized(x: Tensor, *size: int, **options: object) -> Tensor:
    return F.interpolate(x[None], size, **options)[0]  # type: ignore[arg-type]


SMOOTH = {"mode": "bilinear", "align_corners": False}

CASES: list[tuple[str, Tensor, Tensor]] = [
    ("T.ConvertImageDtype(torch.float32)", BYTES, BYTES.float() / 255),
    ("T.ConvertImageDtype(torch.float64)", BYTES, BYTES.double() / 255),
    ("T.ConvertImageDtype(torch.float64)", REALS, REALS.double()),
    ("T.ConvertImageDtype(torch.uint8)", REALS, (REALS * 255.999).to(torch.uint8)),
    ("T.ConvertImageDtype(torch.int16)", BYTES, BYTES.to(torch.int16) * 128),
    (f"T.{NORMALIZE}", REALS, normalized(REALS)),
    ("T.Normalize(0.5, 0.25)", REALS, (REALS - 0.5) / 0.25),
    (
        f"T.Compose([T.ConvertImageDtype(torch.float32), T.{NORMALIZE}])",
        BYTES,
        normalized(BYTES.float() / 255),
    ),
    ("T.Compose([T.Lambda(lambda x: x.float() / 16), T.CenterCrop(4)])", BYTES, BYTES[:, 1:5, 0:4] / 16),
    ("T.CenterCrop(4)", BYTES, BYTES[:, 1:5, 0:4]),
    ("T.CenterCrop((3, 5))", BYTES, BYTES[:, 2:5]),
    ("T.CenterCrop(4)", SMALL, F.pad(SMALL, (1, 1, 0, 1))),
    ("T.CenterCrop((2, 4))", SMALL, F.pad(SMALL, (1, 1))[:, 0:2]),
    ("T.Pad(2)", BYTES, F.pad(BYTES, (2, 2, 2, 2))),
    ("T.Pad((1, 2), fill=7)", BYTES, F.pad(BYTES, (1, 1, 2, 2), value=7)),
    ("T.Pad((0, 1, 2, 3), padding_mode='edge')", REALS, F.pad(REALS, (0, 2, 1, 3), mode="replicate")),
    (
        "T.Pad(1, padding_mode='reflect')",
        BYTES,
        F.pad(BYTES.float(), (1, 1, 1, 1), mode="reflect").to(torch.uint8),
    ),
    ("T.Resize((3, 4))", REALS, resized(REALS, 3, 4, antialias=True, **SMOOTH)),
    ("T.Resize(3)", REALS, resized(REALS, 3, 3, antialias=True, **SMOOTH)),
    ("T.Resize(10)", REALS, resized(REALS, 12, 10, antialias=True, **SMOOTH)),
    ("T.Resize((9, 9), antialias=False)", REALS, resized(REALS, 9, 9, **SMOOTH)),
    ("T.Resize((3, 4), T.InterpolationMode.NEAREST)", BYTES, resized(BYTES, 3, 4)),
    (
        "T.Resize((3, 4))",
        BYTES,
        resized(BYTES.float(), 3, 4, antialias=True, **SMOOTH).round().to(torch.uint8),
    ),
    ("T.Resize((6, 5))", BYTES, BYTES),
    (
        "T.Grayscale()",
        BYTES,
        (0.2989 * BYTES[0] + 0.587 * BYTES[1] + 0.114 * BYTES[2]).to(torch.uint8)[None],
    ),
    (
        "nn.Sequential(T.CenterCrop(4), T.ConvertImageDtype(torch.float32))",
        BYTES,
        BYTES[:, 1:5, 0:4].float() / 255,
    ),
    ("TF.hflip", BYTES, BYTES.flip(-1)),
    ("lambda x: TF.crop(x, -1, 2, 4, 5)", BYTES, F.pad(BYTES[:, 0:3, 2:5], (0, 2, 1, 0))),
    ("lambda x: TF.normalize(x, [0.5] * 3, [2.0] * 3)", REALS, (REALS - 0.5) / 2.0),
    ("v2.ToDtype(torch.float32, scale=True)", BYTES, BYTES.float() * (1.0 / 255)),
    ("v2.ToDtype(torch.float32)", BYTES, BYTES.float()),
    ("v2.ToDtype(torch.uint8, scale=True)", REALS, (REALS * 255.999).to(torch.uint8)),
    ("v2.ToImage()", BYTES, BYTES),
    (
        f"v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.{NORMALIZE}])",
        BYTES,
        normalized(BYTES.float() * (1.0 / 255)),
    ),
    (
        "v2.Compose([v2.ToDtype(torch.float32, True), v2.Resize(3)])",
        BYTES,
        resized(BYTES.float() * (1.0 / 255), 3, 3, antialias=True, **SMOOTH),
    ),
    ("v2.CenterCrop(4)", SMALL, F.pad(SMALL, (1, 1, 0, 1))),
    (
        "v2.Grayscale()",
        REALS,
        (REALS[0] * 0.2989).add(REALS[1], alpha=0.587).add(REALS[2], alpha=0.114)[None],
    ),
    ("v2.functional.horizontal_flip", BYTES, BYTES.flip(-1)),
]

PRELUDE = """
import torch
from torch import nn
import torchvision.transforms as T
import torchvision.transforms.functional as TF
from torchvision.transforms import v2
"""

names = pytest.mark.parametrize(
    ("made", "image", "expected"), CASES, ids=[f"{case[0]}-{case[1].dtype}" for case in CASES]
)


def followed(made: str, image: Tensor, expected: Tensor, folder: Path) -> Tensor:
    """What the captured graph of a transform computes of an image."""
    convert = f"x.to({image.dtype})"
    text = f"{PRELUDE}\ntransform = {made}\n"
    inputs = {"x": image.double() if image.dtype == torch.float64 else image.float()}
    capture = captured(folder / "transform.py", probe(text, f"transform({convert})", inputs, expected))
    assert [d.message for d in capture.diagnostics] == []
    (result,) = probed(capture, inputs)
    return result


def assert_same_bits(ours: Tensor, expected: Tensor) -> None:
    assert ours.dtype == expected.dtype
    assert torch.equal(bits(ours), bits(expected)), f"{ours}\n{expected}"


@names
def test_a_transform_of_a_tensor_is_the_operations_that_torchvision_documents(
    made: str, image: Tensor, expected: Tensor, tmp_path: Path
) -> None:
    assert_same_bits(followed(made, image, expected, tmp_path), expected)


@names
def test_torchvision_computes_the_same(made: str, image: Tensor, expected: Tensor) -> None:
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"torchvision cannot be imported beside this build of torch: {error}")
    program: dict[str, object] = {}
    exec(PRELUDE, program)
    transform = eval(made, program)
    assert_same_bits(transform(image.clone()), expected)


@pytest.mark.parametrize(
    ("made", "image", "words"),
    [
        ("T.ToTensor()", "x.to(torch.uint8)", "pic should be PIL Image or ndarray"),
        ("T.Normalize(0.5, 0.5)", "x.to(torch.uint8)", "should be a float tensor"),
        ("T.Normalize(0.5, 0.5)", "x[0]", "tensor image of size (..., C, H, W)"),
        ("T.Normalize((0.5, 0.5, 0.5), (1, 0, 1))", "x", "division by zero"),
        ("T.ConvertImageDtype(torch.int64)", "x", "cannot be performed safely"),
        ("T.Normalize((0.5, 0.5), (1.0, 1.0))", "x", "(3, 6, 5)"),
        ("v2.Resize(3)", "x.to(torch.uint8)", "depends on the machine"),
        ("v2.ToDtype(torch.int16, scale=True)", "x.to(torch.uint8)", "whole numbers of one size"),
        ("T.Resize(3, T.InterpolationMode.LANCZOS)", "x", "lanczos"),
        ("T.Pad(1, padding_mode='symmetric')", "x", "symmetric"),
    ],
)
def test_what_torchvision_refuses_or_is_not_followed_is_said(
    made: str, image: str, words: str, tmp_path: Path
) -> None:
    text = f"{PRELUDE}\ntransform = {made}\n"
    capture = captured(tmp_path / "t.py", probe(text, f"transform({image})", {"x": REALS}, REALS))
    assert any(words in d.message for d in capture.diagnostics), capture.diagnostics
    assert unit_of(capture).failure is not None


def test_a_picture_of_bytes_becomes_a_row_of_ops(tmp_path: Path) -> None:
    text = (
        f"{PRELUDE}\nimport torchlean as tl\n"
        "transform = T.Compose([T.ConvertImageDtype(torch.float32), T.Normalize(0.5, 0.25)])\n"
        "@tl.claim(x=tl.box(0, 255, shape=(2, 3, 1), dtype=torch.uint8))\n"
        "def bounded(x):\n    return transform(x.permute(2, 0, 1)).abs() <= 2.0\n"
    )
    capture = captured(tmp_path / "pixels.py", text)
    unit = unit_of(capture, "bounded")
    cone, _ = capture.graph.cone(unit.outputs)
    assert [node.op for node in cone if node.inputs] == [
        *("permute", "cast", "div", "sub", "div", "abs", "le"),
    ]
    assert cone.inputs[0].type.dtype == torch.uint8
