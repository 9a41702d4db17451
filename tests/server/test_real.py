"""The server with the real analysis, on small models: what a person sees while working on a file."""

from __future__ import annotations

import pathlib
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import torch
from safetensors.torch import save_file
from tests.server.editor import Editor, editing
from tests.server.environment import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = """\
import torch
from torch import nn
import torchlean as tl


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 3)  # 值 😀
        self.fc2 = nn.Linear(3, 1)

    def forward(self, x):
        h = torch.relu(self.fc1(x))
        return self.fc2(h)


net = tl.load(Net(), "net.safetensors")


@tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
def small(x):
    return net(x).abs() <= 100.0


@tl.claim(x=tl.box([-50.0, -50.0], [50.0, 50.0]))
def wide(x):
    return net(x).abs() <= 0.001
"""


def weights(folder: pathlib.Path, scale: float = 1.0) -> dict[str, torch.Tensor]:
    """Write the file of weights that the model loads."""
    tensors = {
        "fc1.weight": torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]) * scale,
        "fc1.bias": torch.zeros(3),
        "fc2.weight": torch.tensor([[1.0, 1.0, 1.0]]),
        "fc2.bias": torch.tensor([0.5]),
    }
    save_file(tensors, str(folder / "net.safetensors"))
    return tensors


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["neovim@0.11.0", "neovim@0.7.0"])
async def editor(request: pytest.FixtureRequest) -> AsyncIterator[Editor]:
    async with editing(request.param) as editor:
        yield editor


async def opened(editor: Editor, folder: pathlib.Path, text: str = MODEL) -> str:
    weights(folder)
    uri = editor.open(folder / "model.py", text)
    await editor.checked(uri)
    return uri


def interval(text: str) -> tuple[float, float]:
    """The interval in a hover; while only the shape is new, the last one that stands below it."""
    found = re.search(r"interval +`?\[(\S+), (\S+?)\]", text)
    assert found is not None, text
    return float(found[1]), float(found[2])


def about(text: str, low: float, high: float) -> bool:
    """Whether the shown interval is this one but for its outward rounding."""
    shown = interval(text)
    return shown[0] <= low and high <= shown[1] and shown == pytest.approx((low, high), rel=1e-3, abs=1e-3)


async def test_verdicts_are_diagnostics_with_their_evidence(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = await opened(editor, tmp_path)
    found = {str(problem.code): problem for problem in await editor.problems(uri)}
    assert set(found) == {"TL300", "TL301"}
    assert found["TL300"].range.start == editor.position(uri, MODEL.index("small"))
    assert "wide: refuted by a float32 input" in found["TL301"].message
    small, wide = [title for title in await editor.titles(uri) if "parameter" not in title]
    assert small.startswith("proved (engine) · margin ≥ 9") and wide.startswith("refuted (counterexample)")


@pytest.mark.parametrize(
    ("words", "exact"),
    [
        ("self.fc1(x))", (-2.0, 2.0)),
        ("h = torch", (0.0, 2.0)),
        ("self.fc2(h)", (0.5, 4.5)),
        ("self.fc1 = nn", (-2.0, 2.0)),
        ("net(x).abs() <= 100", (0.5, 4.5)),
    ],
)
async def test_a_hover_shows_an_interval_that_holds_every_value(
    editor: Editor, tmp_path: pathlib.Path, words: str, exact: tuple[float, float]
) -> None:
    uri = await opened(editor, tmp_path)
    text = await editor.hover_text(uri, words)
    assert about(text, *exact)
    assert "x ∈ box([-1.0, -1.0], [1.0, 1.0])" in text and "claim `small`" in text
    assert re.search(
        r"by (interval bound propagation|backward linear bounds \(CROWN\)), rounded outward", text
    )


CANCELLING = """\
import torchlean as tl


@tl.claim(x=tl.box(-1.0, 1.0, shape=(3,)))
def cancels(x):
    h = 3 * x
    d = h - 2 * x
    return d.abs() <= 2.0
"""


async def test_a_hover_names_the_method_and_what_intervals_alone_would_say(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = await opened(editor, tmp_path, CANCELLING)
    text = await editor.hover_text(uri, "d = h")
    assert about(text, -1, 1)
    assert "by backward linear bounds (CROWN), rounded outward" in text
    assert text.splitlines()[-1] == "intervals alone: `[-5, 5]`"
    above = await editor.hover_text(uri, "h = 3")
    assert about(above, -3, 3) and "by interval bound propagation" in above
    assert "intervals alone" not in above


async def test_hints_follow_the_selected_domain(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = await opened(editor, tmp_path)
    (first,) = [hint for hint in await editor.hints(uri) if hint.startswith("12: ")]
    assert re.fullmatch(r"12: ∈ \[0, 2(\.000001)?\]", first)
    assert await editor.command("torchlean.selectDomain", uri, "wide") == {"selected": "claim:wide"}
    (second,) = [hint for hint in await editor.hints(uri) if hint.startswith("12: ")]
    assert re.fullmatch(r"12: ∈ \[0, 100(\.0001)?\]", second)
    text = await editor.hover_text(uri, "h = torch")
    assert about(text, 0, 100) and "claim `wide`" in text


async def test_a_modules_lens_tells_parameters_and_whose_domain_its_lines_show(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = await opened(editor, tmp_path)
    assert (await editor.titles(uri))[0] == (
        "Net(): 13 parameters · x ∈ box([-1.0, -1.0], [1.0, 1.0]) (claim small)"
    )
    assert "for all `x ∈ box([-1.0, -1.0], [1.0, 1.0])` (claim `small`)" in await editor.hover_text(
        uri, "Net(nn"
    )
    editor.answer_to_question = "claim:wide"
    command = (await editor.lenses(uri))[0].command
    assert command is not None
    assert await editor.command(command.command, *(command.arguments or [])) == {"selected": "claim:wide"}
    assert (await editor.titles(uri))[0].endswith("x ∈ box([-50.0, -50.0], [50.0, 50.0]) (claim wide)")


async def test_a_hint_of_a_part_of_its_line_names_the_part(editor: Editor, tmp_path: pathlib.Path) -> None:
    text = MODEL.replace("<= 0.001", "<= 5.0")
    uri = await opened(editor, tmp_path, text)
    hints = dict(hint.split(": ", 1) for hint in await editor.hints(uri))
    (line,) = [str(number) for number, code in enumerate(text.splitlines()) if "<= 5.0" in code]
    assert hints[line].startswith("net(x).abs() ∈ [0")
    editor.edit(uri, "nn.Linear(3, 1)", "nn.Linear(4, 1)")
    await editor.checked(uri)
    # What is read by a call that fails is not the line's value.
    assert [hint.partition(":")[0] for hint in await editor.hints(uri)] == ["12"]


async def test_a_hover_on_a_layers_call_lists_its_weights_by_name(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = await opened(editor, tmp_path)
    text = await editor.hover_text(uri, "nn.Linear(2, 3)")
    assert "executed" not in text
    assert re.findall(r"name +(\S+)", text) == ["fc1.weight", "fc1.bias"]


async def test_a_claim_that_cannot_be_followed_says_so_over_its_name(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = await opened(editor, tmp_path, MODEL.replace("net(x).abs() <= 100.0", "nett(x).abs() <= 100.0"))
    titles = await editor.titles(uri)
    assert titles[1] == "cannot be analysed" and titles[2].startswith("refuted (counterexample) · x = [")
    assert "claim `small`** cannot be analysed" in await editor.hover_text(uri, "small")


async def test_a_comment_costs_nothing_and_a_new_weight_only_what_follows_it(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = await opened(editor, tmp_path)
    editor.edit(uri, "# 值 😀", "# 值 😀 changed")
    await editor.checked(uri)
    figures = await editor.figures(uri)
    assert figures["computed"] == 0 and figures["reused"] > 0
    editor.edit(uri, "return self.fc2(h)", "return self.fc2(h) * 2")
    await editor.checked(uri)
    figures = await editor.figures(uri)
    assert 0 < figures["computed"] < figures["reused"]


async def test_a_shape_error_is_underlined_and_repaired(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = await opened(editor, tmp_path)
    editor.edit(uri, "nn.Linear(3, 1)", "nn.Linear(4, 1)")
    assert {"TL101", "TL111"} & set(await editor.codes(uri))
    editor.edit(uri, "nn.Linear(4, 1)", "nn.Linear(3, 1)")
    assert await editor.codes(uri) == ["TL300", "TL301"]


async def test_broken_code_keeps_intervals_and_verdicts_as_stale(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = await opened(editor, tmp_path)
    editor.edit(uri, "return self.fc2(h)", "return self.fc2(h")
    problems = {(str(problem.code), "stale" in problem.message) for problem in await editor.problems(uri)}
    assert problems == {("TL100", False), ("TL300", True), ("TL301", True)}
    text = await editor.hover_text(uri, "h = torch")
    assert about(text, 0, 2) and "stale: from before the syntax error" in text
    assert "claim `small`: proved" in await editor.hover_text(uri, "small")
    assert all(hint.endswith("(stale)") for hint in await editor.hints(uri))
    assert all(title.endswith("stale") for title in await editor.titles(uri))
    editor.edit(uri, "return self.fc2(h", "return self.fc2(h)")
    assert await editor.codes(uri) == ["TL300", "TL301"]
    assert "stale" not in await editor.hover_text(uri, "h = torch")


async def test_a_syntax_error_elsewhere_leaves_the_rest_current(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = await opened(editor, tmp_path)
    editor.edit(uri, "100.0", "100.0 +")
    problems = {(str(problem.code), "stale" in problem.message) for problem in await editor.problems(uri)}
    assert problems == {("TL100", False), ("TL300", True), ("TL301", False)}
    titles = {title.partition(" ")[0]: "stale" in title for title in await editor.titles(uri)}
    assert titles == {"proved": True, "refuted": False, "Net():": False}


async def test_new_weights_are_read_and_half_written_ones_are_not_believed(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    uri = await opened(editor, tmp_path)
    weights(tmp_path, scale=3.0)

    async def tripled() -> bool:
        return about(await editor.hover_text(uri, "h = torch"), 0, 6)

    await until(tripled)
    whole = (tmp_path / "net.safetensors").read_bytes()
    (tmp_path / "net.safetensors").write_bytes(whole[: len(whole) // 2])

    async def doubted() -> bool:
        return "stale" in await editor.hover_text(uri, "h = torch")

    await until(doubted)
    assert about(await editor.hover_text(uri, "h = torch"), 0, 6)
    (tmp_path / "net.safetensors").write_bytes(whole)
    await editor.checked(uri)
    assert await editor.codes(uri) == ["TL300", "TL301"]


async def test_new_weights_change_the_verdicts_of_a_client_that_pulls_only_after_edits(
    tmp_path: pathlib.Path,
) -> None:
    async with editing("pulls after edits") as editor:
        uri = await opened(editor, tmp_path)
        assert await editor.codes(uri) == ["TL300", "TL301"]
        weights(tmp_path, scale=1000.0)

        async def refuted() -> bool:
            return await editor.codes(uri) == ["TL301", "TL301"]

        await until(refuted)


async def test_an_unsaved_change_of_an_imported_file_is_seen(editor: Editor, tmp_path: pathlib.Path) -> None:
    (tmp_path / "factor.py").write_text("FACTOR = 1.0\n")
    text = MODEL.replace("import torchlean as tl\n", "import torchlean as tl\nfrom factor import FACTOR\n", 1)
    text = text.replace("return self.fc2(h)", "return self.fc2(h) * FACTOR")
    uri = await opened(editor, tmp_path, text)
    library = editor.open(tmp_path / "factor.py", "FACTOR = 1.0\n")
    await editor.checked(library)
    editor.edit(library, "1.0", "10.0")

    async def scaled() -> bool:
        low, high = interval(await editor.hover_text(uri, "net(x).abs() <= 100"))
        return low <= 5.0 and 45.0 <= high < 46.0

    await until(scaled)
    editor.close(library)

    async def restored() -> bool:
        return interval(await editor.hover_text(uri, "net(x).abs() <= 100"))[1] < 5.0

    await until(restored)
