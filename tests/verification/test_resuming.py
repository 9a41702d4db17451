"""Going on from the cuts of an earlier run: everything is proved again, and nothing in the file is believed."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from click.testing import CliRunner
from tests.verification.networks import Exact, mlp, saved
from tests.verification.properties import decimal, read, text

from torchlean.bounds.branching.bounder import Bounder
from torchlean.bounds.branching.boxes import Boxes
from torchlean.bounds.branching.tree import LEAF, SplitTree
from torchlean.capture.onnx import load_onnx
from torchlean.cli import main
from torchlean.verification import PosingError, verify
from torchlean.verification.record import RecordError, digest, load, record

SECONDS = 1.0

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")


def network(sizes: list[int], folder: Path, seed: int) -> Path:
    return saved(mlp(random.Random(seed), sizes), folder)


def never_above(path: Path, inputs: int, excess: float) -> str:
    """That the output stays below the greatest one of many inputs, and a share of its range more."""
    generator = torch.Generator().manual_seed(0)
    exact = Exact(onnx.load(path))
    points = [
        [Fraction(v) for v in (torch.rand(inputs, generator=generator) * 2 - 1).tolist()] for _ in range(60)
    ]
    values = [exact(point)[0] for point in points]
    bound = max(values) + (max(values) - min(values)) * Fraction(excess)
    return text([("-1", "1")] * inputs, 1, f"(>= Y_0 {decimal(Fraction(float(bound)))})")


def cuts(tree: SplitTree) -> set[tuple[tuple[int, bool], ...]]:
    """The ways from the root to every node, by variables."""
    return {
        tuple((variable, above) for variable, _, above in leaf.cuts[:length])
        for leaf in tree.all_leaves()
        for length in range(len(leaf.cuts) + 1)
    }


@pytest.mark.parametrize(
    ("sizes", "seed", "excess", "phases"),
    [([2, 8, 8, 1], 0, 0.1, False), ([3, 8, 8, 1], 1, 0.05, False), ([20, 8, 8, 1], 0, 0.8, True)],
)
def test_the_parts_of_an_earlier_run_are_proved_again_with_less_work(
    sizes: list[int],
    seed: int,
    excess: float,
    phases: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = network(sizes, tmp_path, seed)
    model, property = load_onnx(path), read(never_above(path, sizes[0], excess))
    bounded = 0
    bound = Bounder.bound

    def counting(self: Bounder, parts: Boxes) -> Boxes:
        nonlocal bounded
        bounded += len(parts)
        return bound(self, parts)

    monkeypatch.setattr(Bounder, "bound", counting)
    first = verify(model, property)
    (tree,) = first.trees
    assert first.verdict == "unsat" and tree.leaves > 4, "the property is hard enough for this test"
    assert phases == any(variable >= sizes[0] for leaf in tree.all_leaves() for variable, _, _ in leaf.cuts)
    before, bounded = bounded, 0
    again = verify(model, property, earlier=first.trees)
    (found,) = again.trees
    assert again.verdict == "unsat" and found.finished and found.least > 0
    whole = {tuple((variable, above) for variable, _, above in leaf.cuts) for leaf in found.all_leaves()}
    for way in cuts(tree):
        assert way in cuts(found) or any(way[:length] in whole for length in range(len(way))), "cut as before"
    assert bounded <= before


def test_cuts_of_anybody_prove_nothing_that_is_false(tmp_path: Path) -> None:
    source = random.Random(4)
    path = network([2, 6, 1], tmp_path, 5)
    model, false = load_onnx(path), read(never_above(path, 2, -0.2))
    for _ in range(5):
        first, variable = [LEAF], [0]
        for _ in range(source.randint(1, 40)):
            leaf = source.choice([id for id, below in enumerate(first) if below == LEAF])
            first[leaf], variable[leaf] = len(first), source.randrange(2)
            first += [LEAF, LEAF]
            variable += [0, 0]
        forged = SplitTree.of_cuts(first, variable)
        forged.bounds[:] = type(forged.bounds)("d", [1e9] * len(forged))
        forged.done[:] = type(forged.done)("b", [1] * len(forged))
        forged.closed, forged.verified = forged.leaves, 1.0
        found = verify(model, false, SECONDS, earlier=[forged])
        assert found.verdict in {"sat", "timeout"}
        # It is found by the first attack: without one, too, no bound shows it.
        assert all(tree.least <= 0 or not tree.finished for tree in found.trees)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=cuda)])
def test_the_command_goes_on_from_a_file_and_writes_it_anew(device: str, tmp_path: Path) -> None:
    path = network([2, 8, 8, 1], tmp_path, 0)
    content, tree = tmp_path / "p.vnnlib", tmp_path / "tree.json"
    content.write_text(never_above(path, 2, 0.1))
    where = ["--workers", "1"] if device == "cpu" else ["--device", device]
    arguments = ["verify", str(path), str(content), *where, "--timeout", "60"]
    first = CliRunner().invoke(main, [*arguments, "--certificate", str(tree)])
    assert first.stdout.splitlines()[-1] == "unsat"
    before = json.loads(tree.read_text())
    again = CliRunner().invoke(main, [*arguments, "--resume", str(tree), "--certificate", str(tree)])
    assert again.stdout.splitlines()[-1] == "unsat"
    after = json.loads(tree.read_text())
    assert len(after["regions"][0]["first"]) >= len(before["regions"][0]["first"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: "{", "no JSON document"),
        (lambda d: "[" * 100_000, "no JSON document"),
        (lambda d: [], "no tree of splits"),
        (lambda d: {**d, "version": 2}, "no tree of splits"),
        (lambda d: {**d, "model": {"sha256": "0"}}, "another model"),
        (lambda d: {**d, "property": {"sha256": "0"}}, "another property"),
        (lambda d: {**d, "regions": {}}, "no list of regions"),
        (lambda d: {**d, "regions": [5]}, "`first` is no list of whole numbers"),
        (lambda d: {**d, "regions": [{"first": [-1], "variable": [True]}]}, "`variable` is no list"),
        (lambda d: {**d, "regions": [{"first": [], "variable": []}]}, "no tree (arrays"),
        (lambda d: {**d, "regions": [{"first": [1, -1], "variable": [0, 0]}]}, "node 0 has no parts"),
        (lambda d: {**d, "regions": [{"first": [1, 1, -1], "variable": [0, 0, 0]}]}, "node 1 has no parts"),
        (lambda d: {**d, "regions": [{"first": [-1, -1], "variable": [0, 0]}]}, "node 1 stands before"),
        (lambda d: {**d, "regions": [{"first": [-1], "variable": [2**40]}]}, "no tree ("),
        (lambda d: {**d, "regions": [{"first": [1, -1, -1], "variable": [9, 0, 0]}]}, "variables beyond"),
        (lambda d: {**d, "regions": [{"first": [1, -1, -1], "variable": [-1, 0, 0]}]}, "variables beyond"),
        (lambda d: {**d, "regions": d["regions"] * 2}, "2 trees of splits, where this property has 1"),
    ],
)
def test_what_cannot_be_gone_on_from_is_an_error_that_says_why(
    change: Any, says: str, tmp_path: Path
) -> None:
    path = network([2, 4, 1], tmp_path, 6)
    content, tree = tmp_path / "p.vnnlib", tmp_path / "tree.json"
    content.write_text(never_above(path, 2, 2.0))
    found = verify(load_onnx(path), read(content.read_text()), SECONDS)
    changed = change(record(found, digest(path), digest(content)))
    tree.write_text(changed if isinstance(changed, str) else json.dumps(changed))
    result = CliRunner().invoke(
        main, ["verify", str(path), str(content), "--resume", str(tree), "--workers", "1"]
    )
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (2, "error"), result.output
    assert says in result.stderr
    with pytest.raises((RecordError, PosingError)):
        verify(
            load_onnx(path),
            read(content.read_text()),
            SECONDS,
            earlier=load(tree, digest(path), digest(content)),
        )
