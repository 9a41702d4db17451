"""The lists that editors draw beside the text, over a real connection: claims, and the graph with its bounds."""

from __future__ import annotations

import pathlib

import pytest
from pygls.exceptions import JsonRpcException
from tests.server.editor import TOY, editing
from tests.server.environment import until

from torchlean.analysis.pipeline import analyse
from torchlean.analysis.session import Session

TEXT = "def 小さい():\n    x = [0, 1]\n\n\ndef large():\n    y = [-2, 3]\n"


async def test_claims_are_listed_in_order_of_the_text_with_verdict_evidence_and_place(
    tmp_path: pathlib.Path,
) -> None:
    async with editing("modern", *TOY) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        answer = await editor.request("torchlean/claims", uri)
        assert answer["textDocument"] == {"uri": uri, "version": 1}
        first, second = answer["claims"]
        assert (first["name"], second["name"]) == ("小さい", "large")
        assert (first["verdict"], first["evidence"], first["freshness"]) == ("proved", "engine", "current")
        assert first["title"] == (await editor.titles(uri))[0]
        assert first["range"]["start"] == {"line": 0, "character": 4}
        assert second["range"]["start"]["line"] == 4


async def test_after_an_edit_claims_keep_their_verdict_and_say_that_they_are_being_checked(
    tmp_path: pathlib.Path,
) -> None:
    async with editing("modern", *TOY) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        editor.edit(uri, "def large", "# sleep 60\ndef large")
        await until(lambda: editor.stages(uri) == ["analysis"])
        answer = await editor.request("torchlean/claims", uri)
        assert [(c["verdict"], c["freshness"]) for c in answer["claims"]] == [("proved", "checking")] * 2
        assert answer["claims"][1]["range"]["start"]["line"] == 5


async def test_the_graph_of_a_unit_has_the_bounds_and_place_of_each_tensor(tmp_path: pathlib.Path) -> None:
    async with editing("modern", *TOY) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        answer = await editor.request("torchlean/graph", uri, unit="claim:large")
        assert answer["unit"] == "claim:large"
        assert set(answer["units"]) == {"claim:小さい", "claim:large"}
        (node,) = answer["nodes"]
        assert (node["lower"], node["upper"], node["interval"]) == (-2, 3, "[-2, 3]")
        assert node["range"]["start"]["line"] == 5


async def test_without_a_unit_the_graph_is_of_the_one_whose_domain_is_shown(tmp_path: pathlib.Path) -> None:
    async with editing("modern", *TOY) as editor:
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        await editor.command("torchlean.selectDomain", uri, "large")
        assert (await editor.request("torchlean/graph", uri))["unit"] == "claim:large"


async def test_a_document_without_bounds_has_an_empty_graph_and_no_claims(tmp_path: pathlib.Path) -> None:
    async with editing("modern", *TOY) as editor:
        uri = editor.open(tmp_path / "m.py", "x = 1\n")
        await editor.checked(uri)
        answer = await editor.request("torchlean/graph", uri)
        assert (answer["unit"], answer["nodes"]) == (None, [])
        assert (await editor.request("torchlean/claims", uri))["claims"] == []


@pytest.mark.parametrize("method", ["torchlean/claims", "torchlean/graph"])
async def test_a_document_that_is_not_open_and_a_unit_that_is_not_there_are_named(
    tmp_path: pathlib.Path, method: str
) -> None:
    async with editing("modern", *TOY) as editor:
        with pytest.raises(JsonRpcException, match="expected the URI of an open document"):
            await editor.request(method, "file:///nowhere.py")
        uri = editor.open(tmp_path / "m.py", TEXT)
        await editor.checked(uri)
        with pytest.raises(JsonRpcException, match=r"no unit 'claim:none'.*claim:large"):
            await editor.request("torchlean/graph", uri, unit="claim:none")


async def test_a_module_is_listed_with_the_freshness_of_its_bounds_and_why_it_was_not_followed(
    tmp_path: pathlib.Path,
) -> None:
    net = "class Net(torch.nn.Module):\n    def forward(self, x):\n        return x + 1\n"
    cut = net.replace("Net", "Cut").replace("x + 1", "x @ torch.zeros(2, 3) @ torch.zeros(2, 3)")
    text = f"import torch\n\n\n{net}\n\n{cut}\n\nx = torch.zeros(2)\nnet, other = Net()(x), Cut()(x)\n"
    async with editing("modern") as editor:
        uri = editor.open(tmp_path / "m.py", text)
        await editor.checked(uri)
        first, second = (await editor.request("torchlean/claims", uri))["modules"]
        assert (first["name"], first["freshness"], first["failure"]) == ("Net", "current", None)
        assert first["range"]["start"] == {"line": 3, "character": 6}
        assert second["name"] == "Cut" and second["failure"]


def test_facts_name_their_operands_so_that_the_graph_can_be_drawn(tmp_path: pathlib.Path) -> None:
    claim = "@tl.claim(x=tl.box([0.0], [1.0]))\ndef f(x):\n    return x + x.exp() <= 5\n"
    text = f"import torch\nimport torchlean as tl\n\n{claim}"
    analysis = analyse(str(tmp_path / "m.py"), text, Session())
    (unit,) = [unit for unit in analysis.units if unit.kind == "claim"]
    operations = {fact.node: fact.op for fact in unit.facts}
    total = next(fact for fact in unit.facts if fact.op == "add")
    assert [operations[operand] for operand in total.inputs] == ["input", "exp"]
