"""What goes wrong before a network is said where it is, and correct programs are left alone."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import torch
from torch import Tensor

from torchlean.analysis import Session, analyse
from torchlean.analysis.result import FileAnalysis, Verdict
from torchlean.diagnostics import Diagnostic

CODES = {"TL107", "TL115", "TL221", "TL312", "TL313", "TL314", "TL315", "TL316", "TL317"}

PRELUDE = """
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import transforms
import torchlean as tl

normalize = transforms.Normalize((0.5, 0.4, 0.3), (0.2, 0.25, 0.2))

class Net(nn.Module):
    def __init__(self, drop=0.5):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.drop = nn.Dropout(drop)
        self.fc = nn.Linear(3 * 8 * 8, 2)

    def forward(self, x):
        return self.fc(self.drop(self.norm(x).flatten(1)))

net = tl.load(Net(), "net.pt")
"""

UNIT = "@tl.claim(x=tl.box(0.0, 1.0, shape=(1, 3, 8, 8)))\n"
IMAGES = "import cv2\nscale = transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])\n"
CUDA = "import numpy as np\nvotes = torch.zeros(3, device='cuda')\nindex = torch.tensor([0, 0, 1], device='cuda')\n"
BYTES = "@tl.claim(x=tl.box(0, 255, shape=(1, 8, 8, 3), dtype=torch.uint8))\n"


def weights() -> dict[str, Tensor]:
    """Of `Net`, with the statistics of normalised pictures."""
    generator = torch.Generator().manual_seed(0)
    return {
        "norm.weight": torch.ones(3),
        "norm.bias": torch.zeros(3),
        "norm.running_mean": torch.tensor([-0.1, 0.1, 0.0]),
        "norm.running_var": torch.tensor([1.0, 1.2, 0.9]),
        "norm.num_batches_tracked": torch.tensor(5),
        "fc.weight": torch.randn(2, 192, generator=generator) / 14,
        "fc.bias": torch.zeros(2),
    }


def analysed(text: str, folder: Path, state: dict[str, Tensor] | None = None) -> FileAnalysis:
    torch.save(weights() if state is None else state, folder / "net.pt")
    path = folder / "model.py"
    path.write_text(PRELUDE + textwrap.dedent(text))
    return analyse(str(path), path.read_text(), Session())


def said(text: str, folder: Path, state: dict[str, Tensor] | None = None) -> list[Diagnostic]:
    return [d for d in analysed(text, folder, state).diagnostics if d.code in CODES]


WRONG = [
    (
        "TL312",
        "training = Net()\ntraining.load_state_dict(torch.load('net.pt'))\n"
        + UNIT
        + "def named_here(x):\n    return training(normalize(x)) <= 100",
        "named_here",
    ),
    ("TL312", UNIT + "def named_here(x):\n    return F.dropout(x, 0.5) <= 100", "named_here"),
    ("TL313", UNIT + "def noisy(x):\n    return x + torch.rand(8) <= 100", "torch.rand(8)"),
    (
        "TL314",
        UNIT + "def twice(x):\n    once = normalize(x)\n    return net(normalize(once)) <= 1000",
        "normalize(once)",
    ),
    (
        "TL314",
        UNIT + "def by_hand(x):\n    y = ((x - 0.5) / 0.25)[..., 1:, :]\n    return (y - 0.5) / 0.25 <= 100",
        "(y - 0.5) / 0.25",
    ),
    (
        "TL315",
        "@tl.claim(x=tl.box(0.0, 255.0, shape=(1, 3, 8, 8)))\ndef never(x):\n    return net(normalize(x)) <= 1e5",
        "never",
    ),
    (
        "TL107",
        BYTES + "def mixed(x):\n    y = x.view(1, 3, 8, 8)\n    return y.float() <= 255",
        "x.view(1, 3, 8, 8)",
    ),
    ("TL221", "torch.set_default_dtype(torch.float64)", "torch.set_default_dtype(torch.float64)"),
    ("TL317", CUDA + "votes.scatter_add_(0, index, votes)", "votes.scatter_add_(0"),
    ("TL317", CUDA + "votes.index_put_((index,), votes, accumulate=True)", "votes.index_put_(("),
    ("TL317", CUDA + "counts = torch.bincount(index, weights=votes)", "torch.bincount("),
    ("TL316", IMAGES + "picture = cv2.imread('cat.png') / 255", "cv2.imread("),
    (
        "TL316",
        "import cv2\nmean = (0.485, 0.456, 0.406)\nok, p = cv2.VideoCapture(0).read()",
        "cv2.VideoCapture(",
    ),
]


@pytest.mark.parametrize(("code", "text", "place"), WRONG)
def test_what_is_wrong_is_said_where_it_is(code: str, text: str, place: str, tmp_path: Path) -> None:
    (found,) = said(text, tmp_path)
    line = (PRELUDE + text).splitlines()[found.span.line]
    assert found.code == code, found
    assert line[found.span.column :].startswith(place), line


RIGHT = {
    "evaluation mode": UNIT + "def right(x):\n    return net(normalize(x)) <= 1000",
    "evaluation mode by hand": "other = Net()\nother.load_state_dict(torch.load('net.pt'))\nother.eval()\n"
    + UNIT
    + "def right(x):\n    return other(normalize(x)) <= 1000",
    "no dropout": UNIT + "def right(x):\n    return F.dropout(x, 0.5, training=False) <= 100",
    "two normalisations": UNIT + "def right(x):\n    return (normalize(x) - 0.1) / 0.3 <= 100",
    "two branches": UNIT + "def right(x):\n    return normalize(x) + normalize(x.flip(-1)) <= 100",
    "bytes": BYTES + "def right(x):\n    return net(normalize(x.permute(0, 3, 1, 2).float() / 255)) <= 1000",
    "flat": BYTES + "def right(x):\n    return x.reshape(1, -1).float().reshape(1, 3, 8, 8).mean() <= 255",
    "matrices": "@tl.claim(x=tl.box(0.0, 1.0, shape=(4, 4, 3)))\ndef right(x):\n    return x.reshape(3, 4, 4) <= 1",
    "draws before": "noise = torch.rand(8)\n" + UNIT + "def right(x):\n    return net(normalize(x)) <= 1000",
    "on the processor": "votes = torch.zeros(3)\nvotes.index_add_(0, torch.tensor([0, 0, 1]), torch.ones(3))",
    "overwriting": CUDA + "votes.index_put_((index,), votes)\ncounts = torch.bincount(index)",
    "numpy adds in order": CUDA + "counts = np.bincount([0, 1], weights=[0.5, 1.0])",
    "asked for": CUDA + "torch.use_deterministic_algorithms(True)\nvotes.scatter_add_(0, index, votes)",
    "converted": IMAGES + "picture = cv2.cvtColor(cv2.imread('cat.png'), cv2.COLOR_BGR2RGB)",
    "turned round": IMAGES + "picture = cv2.imread('cat.png')[:, :, ::-1]",
    "another normalisation": "import cv2\npicture = normalize(torch.as_tensor(cv2.imread('cat.png')).permute(2, 0, 1))",
    "the usual dtype": "torch.set_default_dtype(torch.float32)",
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT)
def test_correct_programs_are_left_alone(text: str, tmp_path: Path) -> None:
    assert said(text, tmp_path) == []


def test_weights_that_loading_rounds_are_named_once(tmp_path: Path) -> None:
    state = weights()
    state |= {name: value.double() / 3 for name, value in state.items() if name.startswith("fc")}
    (found,) = said("", tmp_path, state)
    assert (found.code, "`fc.weight` as float64" in found.message) == ("TL115", True)


def test_weights_that_were_rounded_when_they_were_saved_are_named(tmp_path: Path) -> None:
    state = {name: value.half() if value.is_floating_point() else value for name, value in weights().items()}
    (found,) = said("", tmp_path, state)
    assert found.code == "TL115"
    assert "rounded when they were saved" in found.message


def test_a_wider_file_with_the_same_numbers_is_left_alone(tmp_path: Path) -> None:
    state = {
        name: value.double() if value.is_floating_point() else value for name, value in weights().items()
    }
    assert said("", tmp_path, state) == []


def test_a_claim_about_bytes_is_proved_and_refuted_by_bytes(tmp_path: Path) -> None:
    text = (
        "scale = torch.arange(12.0).reshape(2, 6) / 8 - 0.6\n"
        "@tl.claim(x=tl.box(0, 255, shape=(6,), dtype=torch.uint8))\n"
        "def holds(x):\n    return scale @ ((x.float() / 255 - 0.5) / 0.25) <= {bound}\n"
    )
    (proved,) = [unit.claim for unit in analysed(text.format(bound=5.6), tmp_path).units if unit.claim]
    assert proved.verdict is Verdict.PROVED
    (refuted,) = [unit.claim for unit in analysed(text.format(bound=5.5), tmp_path).units if unit.claim]
    assert refuted.verdict is Verdict.REFUTED
    assert "a uint8 input" in refuted.detail
