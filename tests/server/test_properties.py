"""Property files in the editor: mistakes at once, hovers, outline, and the verdict for the network named."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import AsyncIterator
from itertools import pairwise

import numpy as np
import onnx
import pytest
import pytest_asyncio
from lsprotocol import types
from onnx import TensorProto, helper, numpy_helper
from tests.server.editor import Editor, editing
from tests.server.environment import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOLDS = """; network: nets/a.onnx
(declare-const X_0 Real)
(declare-const X_1 Real)
(declare-const Y_0 Real)
(assert (<= X_0 0.75)) (assert (>= X_0 -1e-1))
(assert (<= 0 X_1 1))
(assert (or (<= Y_0 -0.5) (and (>= Y_0 5) (<= X_1 0.5))))
"""

SECONDS = 4
"""What an analysis may take here: a verdict that is not to be had ends with that."""


def network(file: pathlib.Path, layers: list[np.ndarray]) -> None:
    """Matrices with ReLU between them, as an ONNX file that appears at once."""
    nodes, value = [], "x"
    for number, _ in enumerate(layers):
        nodes.append(helper.make_node("MatMul", [value, f"w{number}"], [f"z{number}"], name=f"layer{number}"))
        value = f"z{number}"
        if number < len(layers) - 1:
            nodes.append(helper.make_node("Relu", [value], [f"a{number}"]))
            value = f"a{number}"
    stored = [numpy_helper.from_array(w.astype(np.float32), f"w{n}") for n, w in enumerate(layers)]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, layers[0].shape[0]])
    result = helper.make_tensor_value_info(value, TensorProto.FLOAT, [1, layers[-1].shape[1]])
    graph = helper.make_graph(nodes, "net", [given], [result], stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    file.parent.mkdir(exist_ok=True)
    onnx.save(model, str(file) + ".new")
    os.replace(str(file) + ".new", file)


def adds(file: pathlib.Path, scale: float = 1.0) -> None:
    """y = scale * (relu(x0) + relu(x1))."""
    network(file, [np.eye(2), np.full((2, 1), scale)])


def hard(folder: pathlib.Path) -> str:
    """A property that neither holds by any bound in seconds nor has a counterexample."""
    draw = np.random.default_rng(1)
    sizes = [24, 96, 96, 96, 1]
    layers = [draw.normal(size=pair) / np.sqrt(pair[0]) for pair in pairwise(sizes)]
    network(folder / "nets" / "hard.onnx", layers)
    value = draw.uniform(-1, 1, (20_000, sizes[0]))
    for weight in layers[:-1]:
        value = np.maximum(value @ weight, 0)
    most = 4 * float((value @ layers[-1]).max())
    inputs = "".join(f"(declare-const X_{i} Real) (assert (<= -1 X_{i} 1))\n" for i in range(sizes[0]))
    return f"; network: nets/hard.onnx\n(declare-const Y_0 Real)\n{inputs}(assert (>= Y_0 {most}))\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["neovim@0.11.0", "modern"])
async def editor(request: pytest.FixtureRequest) -> AsyncIterator[Editor]:
    async with editing(request.param, configuration={"analysis": {"timeout": SECONDS}}) as editor:
        yield editor


async def opened(editor: Editor, file: pathlib.Path, text: str, language: str = "vnnlib") -> str:
    uri = editor.open(file, text, language)
    await editor.checked(uri)
    return uri


async def test_mistakes_are_shown_where_they_are(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = await opened(editor, tmp_path / "a.vnnlib", HOLDS.replace("X_1 1", "X_7 1"))
    problems = await editor.problems(uri)
    assert [(p.code, p.range.start.line, p.range.start.character) for p in problems if p.code != "TL123"] == [
        ("TL121", 5, 14)
    ]
    editor.edit(uri, "X_7", "X_1")
    await editor.checked(uri)
    assert await editor.codes(uri) == ["TL123"]


@pytest.mark.parametrize("language", ["vnnlib", "plaintext", "smt2"])
async def test_the_files_name_or_the_language_makes_it_a_property(
    editor: Editor, tmp_path: pathlib.Path, language: str
) -> None:
    uri = await opened(editor, tmp_path / "a.vnnlib", "(asert)", language)
    assert await editor.codes(uri) == ["TL120"]


async def test_an_unsaved_new_property_is_read_too(editor: Editor) -> None:
    uri = editor.open("untitled:Untitled-9", "(asert)", "vnnlib")
    await editor.checked(uri)
    assert await editor.codes(uri) == ["TL120"]


async def test_other_plain_text_is_left_alone(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = editor.open(tmp_path / "notes.txt", "(asert)", "plaintext")
    assert all(entry["uri"] != uri for entry in (await editor.statistics())["documents"])


async def test_a_property_that_holds_says_so_with_its_evidence(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    adds(tmp_path / "nets" / "a.onnx")
    uri = await opened(editor, tmp_path / "a.vnnlib", HOLDS)
    (problem,) = await editor.problems(uri)
    assert (problem.code, problem.range.start.line, problem.range.start.character) == ("TL300", 0, 11)
    assert "a.onnx: holds: proved" in problem.message
    assert "more than float32 rounding can take away" in problem.message
    (title,) = await editor.titles(uri)
    assert title.startswith("holds (engine, ") and title.endswith(" · a.onnx, 2 regions")
    text = await editor.hover_text(uri, "nets/a")
    assert "**property `a`: holds**" in text and "evidence: engine (outward-rounded" in text


async def test_a_counterexample_is_shown(editor: Editor, tmp_path: pathlib.Path) -> None:
    adds(tmp_path / "nets" / "a.onnx", -1.0)
    uri = await opened(editor, tmp_path / "a.vnnlib", HOLDS)
    (problem,) = await editor.problems(uri)
    assert (problem.code, problem.severity) == ("TL301", types.DiagnosticSeverity.Error)
    assert "X_0 ≈ " in problem.message and "gives Y_0 ≈ -" in problem.message
    (title,) = await editor.titles(uri)
    assert title.startswith("violated (counterexample, ")


async def test_hovers_say_what_variables_and_conditions_are(editor: Editor, tmp_path: pathlib.Path) -> None:
    adds(tmp_path / "nets" / "a.onnx")
    uri = await opened(editor, tmp_path / "a.vnnlib", HOLDS)
    text = await editor.hover_text(uri, "X_0 0.75")
    assert (
        "**input `X_0`**" in text and "`X_0 ∈ [-0.1, 0.75]`" in text and "`x[0,0]` in the ONNX file" in text
    )
    text = await editor.hover_text(uri, "Y_0 5")
    assert "**output `Y_0`**" in text and "`z1[0,0]`" in text
    text = await editor.hover_text(uri, ">= Y_0 5")
    assert "`Y_0 ≥ 5`" in text
    text = await editor.hover_text(uri, "assert (or")
    assert "one of 2 alternatives must hold" in text
    assert "`Y_0 ≤ -0.5 or (Y_0 ≥ 5 and X_1 ≤ 0.5)`" in text


async def test_the_outline_has_inputs_outputs_and_regions(editor: Editor, tmp_path: pathlib.Path) -> None:
    uri = await opened(editor, tmp_path / "a.vnnlib", HOLDS.partition("\n")[2])
    found = await editor.client.text_document_document_symbol_async(
        types.DocumentSymbolParams(editor.document(uri))
    )
    symbols = [symbol for symbol in found or [] if isinstance(symbol, types.DocumentSymbol)]
    assert [symbol.name for symbol in symbols] == ["inputs (2)", "outputs (1)", "region 1", "region 2"]
    assert [child.name for child in symbols[0].children or []] == ["X_0", "X_1"]
    assert symbols[3].range.start.line == 5


async def test_a_changed_network_is_checked_again(editor: Editor, tmp_path: pathlib.Path) -> None:
    file = tmp_path / "nets" / "a.onnx"
    adds(file)
    uri = await opened(editor, tmp_path / "a.vnnlib", HOLDS)
    assert await editor.codes(uri) == ["TL300"]
    started = (await editor.figures(uri))["started"]
    adds(file, -2.0)

    async def again() -> bool:
        figures = await editor.figures(uri)
        return figures["started"] > started and not figures["checking"]

    await until(again)
    assert await editor.codes(uri) == ["TL301"]


async def test_a_network_that_appears_is_noticed_and_one_that_does_not_fit_is_named(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "nets").mkdir()
    uri = await opened(editor, tmp_path / "a.vnnlib", HOLDS)
    (missing,) = await editor.problems(uri)
    assert missing.code == "TL123" and f"there is no network {tmp_path}" in missing.message
    network(tmp_path / "nets" / "a.onnx", [np.ones((3, 1))])
    await editor.checked(uri)

    async def misfit() -> bool:
        problems = await editor.problems(uri)
        return any("the property speaks of 2 inputs, the network has 3" in p.message for p in problems)

    await until(misfit)
    assert (await editor.titles(uri))[0].startswith("cannot be decided · ")


async def test_a_broken_network_is_reported(editor: Editor, tmp_path: pathlib.Path) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "a.onnx").write_bytes(b"no network")
    uri = await opened(editor, tmp_path / "a.vnnlib", HOLDS)
    assert await editor.codes(uri) == ["TL123"]


async def test_a_shape_that_the_network_declares_wrongly_is_a_warning(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    file = tmp_path / "nets" / "a.onnx"
    adds(file)
    model = onnx.load(file)
    model.graph.value_info.append(helper.make_tensor_value_info("z0", TensorProto.FLOAT, [1, 7]))
    onnx.save(model, file)
    uri = editor.open(tmp_path / "p.vnnlib", HOLDS)
    found = {str(d.code): d for d in await editor.problems(uri)}
    assert found["TL300"].range == found["TL123"].range
    assert found["TL123"].severity == types.DiagnosticSeverity.Warning
    assert "declares the shape (1, 7) for `z0`, but MatMul `layer0` makes (1, 2)" in found["TL123"].message


async def test_the_configuration_file_names_the_network(editor: Editor, tmp_path: pathlib.Path) -> None:
    adds(tmp_path / "nets" / "a.onnx")
    (tmp_path / ".git").mkdir()
    (tmp_path / "specs").mkdir()
    uri = await opened(editor, tmp_path / "specs" / "a.vnnlib", HOLDS.partition("\n")[2])
    assert (await editor.codes(uri), await editor.titles(uri)) == ([], [])
    configuration = '[[vnnlib]]\nproperty = "specs/*.vnnlib"\nnetwork = "nets/a.onnx"\n'
    (tmp_path / "torchlean.toml").write_text(configuration)

    async def shown() -> bool:
        return await editor.codes(uri) == ["TL300"]

    await until(shown)
    (problem,) = await editor.problems(uri)
    assert problem.range.start.line == 0


async def test_a_verdict_is_stale_while_the_next_one_is_computed(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    adds(tmp_path / "nets" / "a.onnx")
    text = hard(tmp_path)
    easy = text.replace("nets/hard.onnx", "nets/a.onnx")
    bound = easy.rpartition("Y_0 ")[2].rstrip(")\n")
    uri = await opened(editor, tmp_path / "a.vnnlib", text.replace(f"Y_0 {bound}", "Y_0 1e9"))
    assert await editor.codes(uri) == ["TL300"]
    editor.edit(uri, "Y_0 1e9", f"Y_0 {bound}")

    async def marked() -> bool:
        return any("stale, being checked" in title for title in await editor.titles(uri))

    await until(marked)
    await editor.checked(uri)
    (title,) = await editor.titles(uri)
    assert title.startswith("not decided (")
    assert await editor.codes(uri) == ["TL302"]


async def test_while_it_is_searched_the_editor_says_how_far_and_where_it_is_hardest(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    reports = editor.client.progress_reports
    reports.clear()
    uri = editor.open(tmp_path / "slow.vnnlib", hard(tmp_path), "vnnlib")
    said = r"% shown, [0-9,]+ boxes, [0-9,]+ open, hardest: margin at least -[0-9.e-]+ (where|on the whole domain)"

    def messages() -> list[str]:
        return [str(report.message) for all in reports.values() for report in all if report.kind != "end"]

    await until(lambda: any(re.search(r"^slow: [0-9.]+ " + said, message) for message in messages()))
    (title,) = await editor.titles(uri)
    assert re.search(r"^being checked · [0-9.]+ " + said, title)
    text = await editor.hover_text(uri, "nets/hard")
    assert re.search(said, text) and "hard.onnx, 1 region" in text
    await editor.checked(uri)
    (problem,) = await editor.problems(uri)
    assert "the hardest left: margin at least -" in problem.message
    await until(lambda: all(values[-1].kind == "end" for values in reports.values()))


async def test_a_syntax_error_keeps_the_last_verdict_marked_stale(
    editor: Editor, tmp_path: pathlib.Path
) -> None:
    adds(tmp_path / "nets" / "a.onnx")
    uri = await opened(editor, tmp_path / "a.vnnlib", HOLDS)
    editor.edit(uri, "0.75))", "0.75)")
    await editor.checked(uri)
    assert await editor.codes(uri) == ["TL120", "TL300"]
    (title,) = await editor.titles(uri)
    assert title.startswith("holds (engine, ") and title.endswith("stale")
    stale = next(p for p in await editor.problems(uri) if p.code == "TL300")
    assert "stale: from before the syntax error" in stale.message


async def test_a_comment_costs_no_second_search(editor: Editor, tmp_path: pathlib.Path) -> None:
    adds(tmp_path / "nets" / "a.onnx")
    uri = await opened(editor, tmp_path / "a.vnnlib", HOLDS)
    before = await editor.titles(uri)
    editor.edit(uri, "(assert (or", "; what must not be\n(assert (or")
    await editor.checked(uri)
    # The time of the search is part of the title: a second one would have its own.
    assert await editor.titles(uri) == before


async def test_long_verdicts_leave_a_worker_to_others(editor: Editor, tmp_path: pathlib.Path) -> None:
    text = hard(tmp_path)
    uris = [editor.open(tmp_path / f"{name}.vnnlib", text, "vnnlib") for name in "ab"]
    python = editor.open(tmp_path / "m.py", "import torch\n\nx = torch.ones(2) + torch.ones(3)\n")
    await editor.checked(python)
    assert "TL101" in await editor.codes(python)
    assert all([(await editor.figures(uri))["checking"] for uri in uris])
    broken = editor.open(tmp_path / "c.vnnlib", "(asert)", "vnnlib")
    await editor.checked(broken)
    assert all([(await editor.figures(uri))["checking"] for uri in uris])
    for uri in uris:
        editor.close(uri)


async def test_a_large_file_is_read_by_a_worker(editor: Editor, tmp_path: pathlib.Path) -> None:
    inputs = "".join(f"(declare-const X_{i} Real)\n(assert (<= 0 X_{i} 1))\n" for i in range(3_000))
    uri = await opened(
        editor, tmp_path / "a.vnnlib", inputs + "(declare-const Y_0 Real)\n(assert (<= Y_0 X_3000))\n"
    )
    problems = await editor.problems(uri)
    assert [(p.code, p.range.start.line) for p in problems] == [("TL121", 6001)]
