"""The messages of the bounds panel, over a real connection: views by another method, and domains that are tried out."""

from __future__ import annotations

import asyncio
import math
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from pygls.exceptions import JsonRpcException
from tests.server.editor import TOY, Editor, _plain, editing
from tests.server.environment import ROOT, until
from tests.server.test_lists import TEXT

LARGE = "claim:large"

CONTENT_MODIFIED = -32801


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Editor, str]]:
    """One server for the questions that change nothing, with a document that is checked."""
    async with editing("modern", *TOY) as editor:
        uri = editor.open(tmp_path_factory.mktemp("shared") / "m.py", TEXT)
        await editor.checked(uri)
        yield editor, uri


async def try_out(editor: Editor, uri: str, domain: object, version: int | None = None) -> Any:
    document = {"uri": uri, "version": version}
    params = {"textDocument": document, "unit": LARGE, "domain": domain}
    return _plain(await editor.client.protocol.send_request_async("torchlean/setDomain", params))


def box(lower: object, upper: object, name: str = "x") -> list[dict[str, object]]:
    return [{"input": name, "lower": lower, "upper": upper}]


async def test_a_domain_that_is_tried_out_stands_until_it_is_taken_back(tmp_path: pathlib.Path) -> None:
    async with editing("modern", *TOY) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        assert (await try_out(editor, uri, box([-7, 0], 5)))["changed"]
        answer = await editor.request("torchlean/graph", uri, unit=LARGE)
        assert (answer["changed"], answer["nodes"][0]["lower"], answer["nodes"][0]["upper"]) == (True, -7, 5)
        assert answer["inputs"][0]["chosen"] == {"lower": [-7, 0], "upper": [5]}
        editor.edit(uri, "y = [-2, 3]", "y = [-2, 4]")
        await editor.checked(uri)
        assert (await editor.request("torchlean/graph", uri, unit=LARGE))["nodes"][0]["lower"] == -7
        assert not (await editor.request("torchlean/graph", uri, unit="claim:小さい"))["changed"]
        await try_out(editor, uri, None)
        answer = await editor.request("torchlean/graph", uri, unit=LARGE)
        assert (answer["changed"], answer["nodes"][0]["upper"]) == (False, 4)


async def test_nothing_but_the_graph_is_shown_for_a_domain_that_is_tried_out(tmp_path: pathlib.Path) -> None:
    async with editing("modern", *TOY) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        before = await editor.request("torchlean/claims", uri), await editor.hover_text(uri, "y = ")
        started = (await editor.figures(uri))["started"]
        await try_out(editor, uri, box(-7, 5))
        await editor.request("torchlean/graph", uri, unit=LARGE, elements=True)
        assert (await editor.request("torchlean/claims", uri), await editor.hover_text(uri, "y = ")) == before
        assert (await editor.figures(uri))["started"] == started
        assert pathlib.Path(tmp_path / "m.py").exists() is False, "nothing is written"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("domain", "words"),
    [
        (box(1, 0), "empty: the lower end 1.0 is above the upper end 0.0 at element 0"),
        (box([0, 3], 2), "above the upper end 2.0 at element 1"),
        (box(math.nan, 1), "finite numbers, got nan"),
        (box(0, math.inf), "finite numbers, got inf"),
        (box(0, 10**400), "finite numbers, got 1000"),
        (box("0", 1), "finite numbers, got '0'"),
        (box(True, 1), "finite numbers, got True"),
        (box([[0, 0]], 1), "finite numbers, got"),
        (box([0, 0, 0], 1), r"shape \(2,\): expected one number or 2 for the lower end, got 3"),
        (box([], 1), "got 0"),
        (box(0, None), "upper end of `x` consists of finite numbers, got None"),
        (box(0, 1, "z"), "no input 'z'; there are: x"),
        (box(0, 1) * 2, "two boxes for `x`"),
        ({"x": [0, 1]}, "expected .*or null"),
        ([7], "no input None"),
    ],
)
async def test_a_box_that_makes_no_sense_is_refused_and_changes_nothing(
    shared: tuple[Editor, str], domain: object, words: str
) -> None:
    editor, uri = shared
    with pytest.raises(JsonRpcException, match=words):
        await try_out(editor, uri, domain)
    assert not (await editor.request("torchlean/graph", uri, unit=LARGE))["standing"]


@pytest.mark.asyncio(loop_scope="module")
async def test_domains_for_what_is_not_there_are_refused(shared: tuple[Editor, str]) -> None:
    editor, uri = shared
    send = editor.client.protocol.send_request_async
    with pytest.raises(JsonRpcException, match=r"no unit 'claim:none'.*claim:large"):
        params = {"textDocument": {"uri": uri}, "unit": "claim:none", "domain": box(0, 1)}
        await send("torchlean/setDomain", params)
    with pytest.raises(JsonRpcException, match=r"open document, got .file:///nowhere\.py"):
        await try_out(editor, "file:///nowhere.py", box(0, 1))
    with pytest.raises(JsonRpcException, match="one of ibp, crown, got 'magic'"):
        await editor.request("torchlean/graph", uri, method="magic")
    with pytest.raises(JsonRpcException, match="version 77") as caught:
        await try_out(editor, uri, box(0, 1), version=77)
    assert caught.value.code == CONTENT_MODIFIED


async def test_a_document_that_was_closed_forgets_its_domain(tmp_path: pathlib.Path) -> None:
    async with editing("modern", *TOY) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        await try_out(editor, uri, box(-7, 5))
        editor.close(uri)
        with pytest.raises(JsonRpcException, match="expected the URI of an open document"):
            await try_out(editor, uri, box(0, 1))
        editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        assert not (await editor.request("torchlean/graph", uri, unit=LARGE))["standing"]


async def test_the_newest_question_wins_and_the_others_are_told(tmp_path: pathlib.Path) -> None:
    async with editing("modern", *TOY) as editor:
        over = tmp_path / "over"
        uri = editor.open(tmp_path / "m.py", f"# view 60 unless {over}\n" + TEXT)
        await editor.checked(uri)
        questions = []
        for upper in (1, 2, 3):
            await try_out(editor, uri, box(0, upper))
            questions.append(asyncio.create_task(editor.request("torchlean/graph", uri, unit=LARGE)))
            await asyncio.sleep(0)  # the question is on its way
        *old, newest = questions
        assert await asyncio.gather(*old) == [None, None]
        over.touch()
        assert (await newest)["nodes"][0]["upper"] == 3


async def test_an_edit_overtakes_a_question(tmp_path: pathlib.Path) -> None:
    async with editing("modern", *TOY) as editor:
        uri = editor.open(tmp_path / "m.py", "# view 60\n" + TEXT)
        await editor.checked(uri)
        question = asyncio.create_task(editor.request("torchlean/graph", uri, unit=LARGE, elements=True))
        await until(lambda: busy(editor))
        editor.edit(uri, "view 60", "view 0")
        assert await question is None
        answer = await editor.request("torchlean/graph", uri, unit=LARGE, elements=True)
        assert answer["nodes"][0]["elements"]["widths"] == {"start": 0.0, "end": 1.0, "counts": [2]}


async def busy(editor: Editor) -> bool:
    return any(worker["state"] == "busy" for worker in (await editor.statistics())["workers"])


async def test_behind_a_syntax_error_the_last_graph_is_shown_and_the_domain_said_not_to_count(
    tmp_path: pathlib.Path,
) -> None:
    async with editing("modern", *TOY) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        await try_out(editor, uri, box(-7, 5))
        editor.edit(uri, "def large():", "def large(:")
        await editor.checked(uri)
        answer = await editor.request("torchlean/graph", uri, unit=LARGE)
        assert (answer["freshness"], answer["standing"], answer["changed"]) == ("stale", True, False)
        assert (answer["note"], answer["nodes"][0]["lower"]) == ("toy refusal", -2)


async def test_the_bounds_of_a_network_follow_the_domain_by_either_method(tmp_path: pathlib.Path) -> None:
    folder = ROOT / "examples" / "pendulum"
    text = (folder / "controller.py").read_text(encoding="utf-8")
    async with editing("modern", root=folder) as editor:
        uri = editor.open(folder / "controller.py", text)
        await editor.checked(uri)
        unit = "claim:stays_in_actuator_range"
        wide = {
            m: await editor.request("torchlean/graph", uri, unit=unit, method=m) for m in ("ibp", "crown")
        }
        assert {method: answer["method"] for method, answer in wide.items()} == {
            "ibp": "ibp",
            "crown": "crown",
        }
        widths = {method: _output(answer)["width"] for method, answer in wide.items()}
        assert widths["crown"] < widths["ibp"]
        (given,) = wide["crown"]["inputs"]
        assert given["stated"] == {"lower": [-1, -1], "upper": [1, 1]} and given["chosen"] is None
        params = {"textDocument": {"uri": uri}, "unit": unit, "domain": box([-0.1, -0.1], [0.1, 0.1])}
        await editor.client.protocol.send_request_async("torchlean/setDomain", params)
        narrow = await editor.request("torchlean/graph", uri, unit=unit)
        assert _output(narrow)["width"] < widths["crown"] / 4
        assert "box([-0.1, -0.1], [0.1, 0.1])" in narrow["domain"]
        assert sum(_output(narrow)["elements"]["widths"]["counts"]) == 1
        claims = {c["name"]: c["verdict"] for c in (await editor.request("torchlean/claims", uri))["claims"]}
        assert claims["too_tight"] == "refuted"


def _output(answer: dict[str, Any]) -> Any:
    """The network's result."""
    return [node for node in answer["nodes"] if node["op"] == "linear"][-1]
