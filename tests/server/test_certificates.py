"""From a real claim to the certificate that Lean is handed: what the workers plan and the server passes on."""

from __future__ import annotations

import pathlib

import pytest
import torch
from safetensors.torch import save_file
from tests.server.editor import editing
from tests.server.environment import ENVIRONMENT, until
from tests.server.fake_lean import log

MODEL = """\
import torch
from torch import nn
import torchlean as tl


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 3)
        self.fc2 = nn.Linear(3, 1)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x)))


net = tl.load(Net(), "net.safetensors")


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def stays_small(x):
    return net(x) <= 100.0


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def smooth(x):
    return torch.tanh(net(x)) <= 2.0


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def wrong(x):
    return net(x) <= -100.0
"""


def write_weights(folder: pathlib.Path, bias: float = 0.0) -> None:
    generator = torch.Generator().manual_seed(0)
    tensors = {
        "fc1.weight": torch.randn(3, 2, generator=generator),
        "fc1.bias": torch.randn(3, generator=generator),
        "fc2.weight": torch.randn(1, 3, generator=generator),
        "fc2.bias": torch.tensor([bias]),
    }
    save_file(tensors, folder / "net.safetensors")


async def test_a_claim_in_the_editor_becomes_a_certificate_and_what_cannot_says_why(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "TORCHLEAN_CACHE", str(tmp_path / "cache"))
    write_weights(tmp_path)
    lean = tmp_path / "lean"
    lean.mkdir()
    (tmp_path / "model.py").write_text(MODEL)
    settings = {"lean": {"path": str(lean)}}
    arguments = ("--lean", "tests.server.fake_lean:FakeLean")
    async with editing("modern", *arguments, root=tmp_path, configuration=settings, lean=True) as editor:
        uri = editor.open(tmp_path / "model.py", MODEL)
        answer = await editor.wait_until_checked(uri)
        found = {claim["name"]: claim for claim in answer["claims"]}
        assert [(name, claim["evidence"], claim["lean"]) for name, claim in found.items()] == [
            ("stays_small", "kernel", "accepted"),
            ("smooth", "engine", "uncheckable"),
            ("wrong", "counterexample", None),
        ]
        assert "tanh" in found["smooth"]["detail"]
        opened = await editor.command("torchlean.openCertificate", uri, "stays_small")
        certificate = pathlib.Path(opened["path"]).read_text(encoding="utf-8")
        assert certificate.startswith("module") and "stays_small" in certificate
        asked = len(log(lean))
        # A comment changes no claim.
        editor.edit(uri, "import torch\n", "# nothing new\nimport torch\n")
        assert (await editor.wait_until_checked(uri))["claims"][0]["lean"] == "accepted"
        assert len(log(lean)) == asked
        editor.edit(uri, "<= 100.0", "<= 101.0")
        assert (await editor.wait_until_checked(uri))["claims"][0]["lean"] == "accepted"
        assert len(log(lean)) > asked


async def test_new_weights_make_a_new_certificate(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ENVIRONMENT, "TORCHLEAN_CACHE", str(tmp_path / "cache"))
    write_weights(tmp_path)
    settings = {"lean": {"path": str(tmp_path)}}
    arguments = ("--lean", "tests.server.fake_lean:FakeLean")
    async with editing("modern", *arguments, root=tmp_path, configuration=settings, lean=True) as editor:
        uri = editor.open(tmp_path / "model.py", MODEL)
        await editor.wait_until_checked(uri)
        first = (await editor.command("torchlean.openCertificate", uri, "stays_small"))["path"]
        write_weights(tmp_path, bias=0.125)
        # The file is seen to change sooner or later; until then the old answer is for the old weights.
        before = (await editor.figures(uri))["started"]

        async def again() -> bool:
            return (await editor.figures(uri))["started"] > before

        await until(again)
        await editor.wait_until_checked(uri)
        second = (await editor.command("torchlean.openCertificate", uri, "stays_small"))["path"]
        assert pathlib.Path(first).read_text() != pathlib.Path(second).read_text()
