"""Rows with slopes and phase multipliers of their own: sound whatever the choices, better if searched."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from tests.bounds.exact_networks import NETWORKS, Writer, box, exact_values, points_of, rationals

from torchlean.bounds import BoundsCache
from torchlean.bounds.alpha import Choices, alpha_boxes
from torchlean.bounds.crown import bound_boxes, boxes
from torchlean.bounds.crown.structure import Structure, remembered
from torchlean.cancellation import Cancelled
from torchlean.graph import Graph
from torchlean.intervals import Interval

RELU = ["mlp", "convolutional", "residual", "dense"]


class Setting:
    """A random network, two halves of a box as boxes, bounds of the nodes in between, and random rows of the output."""

    def __init__(self, name: str, seed: int, radius: float = 0.5, scale: float = 0.7) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.graph: Graph = NETWORKS[name](Writer(self.generator, scale))
        self.cache = BoundsCache()
        self.shape: Structure = remembered(self.graph, self.cache)
        root = box(self.graph, radius, self.generator)
        self.root = {"x": root}
        middle = (root.lower + root.upper) / 2
        self.boxes = {"x": Interval(torch.stack([root.lower, middle]), torch.stack([root.upper, root.upper]))}
        self.place = self.shape.lowered.places[self.graph.outputs[0]]
        shape = self.shape.graph[self.place].type.shape
        self.rows = torch.randn(2, 3, *shape, generator=self.generator, dtype=torch.float64)
        self.known = bound_boxes(self.shape, self.boxes, self.root, self.cache, lambda: None, [self.place])

    @property
    def operands(self) -> list[int]:
        return [node.inputs[0] for node in self.shape.graph if node.op == "relu"]

    def uniform(self, *shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=self.generator)

    def random_choices(self, size: float = 3.0) -> Choices:
        """Slopes anywhere in [0, 1], often at the ends, and multipliers of any size."""
        alphas, betas = {}, {}
        for node in self.shape.graph:
            shape = (2, 3, *node.type.shape)
            if node.inputs and self.shape.varies[node.id] and node.id not in self.shape.parts:
                alphas[node.id] = (self.uniform(*shape) * 2 - 0.5).clamp(0, 1)
            if node.op == "relu":
                betas[node.inputs[0]] = self.uniform(*shape) ** 4 * size
        return Choices(alphas, betas)

    def bounds(self, **options: object) -> torch.Tensor:
        return self.result(**options).lower

    def result(self, **options: object):  # type: ignore[no-untyped-def]
        return alpha_boxes(
            self.shape,
            self.boxes,
            self.root,
            self.place,
            self.rows,
            **{"known": self.known, "cache": self.cache, **options},
        )

    def exact(self, point: np.ndarray) -> list[np.ndarray]:
        """The exact value of every node of the lowered graph."""
        return exact_values(self.shape.graph, {"x": point})

    def row_values(self, values: list[np.ndarray], index: int) -> list[object]:
        return [(rationals(row) * values[self.place]).sum() for row in self.rows[index]]


def _points(setting: Setting, index: int, source: random.Random) -> list[np.ndarray]:
    boxes = setting.boxes["x"]
    return points_of(Interval(boxes.lower[index], boxes.upper[index]), 6, source)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scale", [0.7, 1e4])
def test_any_slopes_give_bounds_below_exact_values(name: str, seed: int, scale: float) -> None:
    setting, source = Setting(name, seed, scale=scale), random.Random(seed)
    for steps in (0, 5):
        lower = rationals(setting.bounds(start=setting.random_choices(), steps=steps))
        for index in range(2):
            for point in _points(setting, index, source):
                values = setting.row_values(setting.exact(point), index)
                assert (lower[index] <= np.array(values)).all()


@pytest.mark.parametrize("name", RELU)
@pytest.mark.parametrize("seed", range(6))
def test_any_multipliers_of_phases_give_bounds_below_exact_values_of_points_in_the_phases(
    name: str, seed: int
) -> None:
    setting, source = Setting(name, seed), random.Random(seed)
    checked = 0
    for index in range(2):
        for point in _points(setting, index, source):
            values = setting.exact(point)
            phases = {}
            for id in setting.operands:
                positive = np.vectorize(lambda value: 1.0 if value > 0 else -1.0)(values[id])
                stated = setting.uniform(2, *values[id].shape) < 0.4
                phases[id] = torch.tensor(positive.astype(float)).expand(2, *values[id].shape) * stated
            exact = np.array(setting.row_values(values, index))
            known = bound_boxes(
                setting.shape,
                setting.boxes,
                setting.root,
                setting.cache,
                lambda: None,
                [setting.place],
                {id: _side(sign) for id, sign in phases.items()},
            )
            for steps in (0, 6):
                lower = setting.bounds(
                    known=random.Random(seed).choice([known, setting.known]),
                    start=setting.random_choices(),
                    phases=phases,
                    steps=steps,
                )
                assert (rationals(lower)[index] <= exact).all()
                checked += 1
    assert checked == 24


def _side(sign: torch.Tensor) -> Interval:
    infinity = torch.full_like(sign, torch.inf)
    return Interval(torch.where(sign > 0, 0.0, -infinity), torch.where(sign < 0, 0.0, infinity))


@pytest.mark.parametrize("name", NETWORKS)
def test_more_steps_give_better_bounds_than_the_analytic_slopes(name: str) -> None:
    gained = 0
    for seed in range(5):
        setting = Setting(name, seed)
        analytic, searched = setting.bounds(steps=0), setting.bounds(steps=20)
        # A row that the search does not improve keeps its first slopes; plain and proved bounds differ by rounding.
        assert (searched >= analytic - 1e-4 * (1 + analytic.abs())).all()
        gained += int((searched > analytic + 1e-3).any())
    assert gained >= 3


def test_multipliers_use_what_a_phase_excludes() -> None:
    """Both halves of every split are searched: their worse bound is at least the undivided one, and often better."""
    better = 0
    for seed in range(8):
        setting = Setting("mlp", seed, radius=1.0)
        whole = setting.result(steps=30)
        id = setting.operands[1]
        x = setting.known[id]
        open_ = ((x.lower < 0) & (x.upper > 0)).all(0).nonzero()
        if not len(open_):
            continue
        halves = []
        for side in (1.0, -1.0):
            sign = torch.zeros_like(x.lower)
            sign[:, int(open_[0])] = side
            halves.append(setting.bounds(phases={id: sign}, start=whole.choices, steps=30))
        worse = torch.minimum(*halves)
        assert (worse >= whole.lower - 1e-3 * (1 + whole.lower.abs())).all()
        better += int((worse > whole.lower + 1e-3).any())
    assert better >= 3


def test_children_start_where_their_parents_ended() -> None:
    setting = Setting("residual", 3)
    parents = setting.result(steps=20)
    again = setting.bounds(start=parents.choices, steps=0)
    assert torch.equal(again, parents.lower)
    swapped = parents.choices.of(torch.tensor([1, 0, 1]))
    for id, alpha in swapped.alphas.items():
        assert torch.equal(alpha[0], parents.choices.alphas[id][1])
        assert torch.equal(alpha[2], parents.choices.alphas[id][1])


def test_a_search_ends_when_the_caller_has_enough() -> None:
    setting = Setting("mlp", 0)
    seen: list[torch.Tensor] = []

    def enough(plain: torch.Tensor) -> bool:
        seen.append(plain)
        return len(seen) == 3

    setting.bounds(steps=20, enough=enough)
    assert len(seen) == 3


def test_a_search_can_be_cancelled() -> None:
    setting, left = Setting("mlp", 0), iter([False] * 40)

    def check() -> None:
        if next(left, True):
            raise Cancelled

    with pytest.raises(Cancelled):
        setting.bounds(check=check, steps=1000)


def test_nothing_is_claimed_of_rows_that_end_at_unbounded_inputs() -> None:
    setting = Setting("mlp", 0)
    setting.boxes = {"x": Interval.unbounded((2, 3))}
    setting.root = {"x": Interval.unbounded((3,))}
    assert (setting.bounds(known={}) == -torch.inf).all()


def test_choices_that_are_no_numbers_prove_something_true_or_nothing() -> None:
    setting = Setting("mlp", 1)
    choices = setting.random_choices()
    for values in (*choices.alphas.values(), *choices.betas.values()):
        values[0, 0] = torch.nan
        values[0, 1] = torch.inf
        values[0, 2] = -torch.inf
    sign = torch.ones_like(setting.known[setting.operands[0]].lower)
    lower = setting.bounds(start=choices, steps=0, phases={setting.operands[0]: sign})
    source = random.Random(0)
    for point in _points(setting, 0, source):
        values = setting.exact(point)
        if (values[setting.operands[0]] >= 0).all():
            assert (rationals(lower)[0] <= np.array(setting.row_values(values, 0))).all()
    assert torch.isfinite(lower[1]).all()


def test_phases_must_belong_to_operands_of_relus() -> None:
    setting = Setting("mlp", 0)
    shape = setting.shape.graph[setting.place].type.shape
    with pytest.raises(ValueError, match="no relu reads"):
        setting.bounds(phases={setting.place: torch.ones(2, *shape)})
    operand = setting.operands[0]
    with pytest.raises(ValueError, match="-1, 0 or 1"):
        setting.bounds(phases={operand: torch.full_like(setting.known[operand].lower, 0.5)})


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("bytes", [1, 1000])
def test_elements_that_are_bounded_a_few_at_a_time_have_the_same_bounds(
    name: str, bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Setting(name, 0)
    monkeypatch.setattr(boxes, "BOX_BYTES", bytes)
    parted = Setting(name, 0)
    assert parted.known.keys() == whole.known.keys()
    for id, bounds in parted.known.items():
        torch.testing.assert_close(bounds.lower, whole.known[id].lower, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(bounds.upper, whole.known[id].upper, rtol=1e-5, atol=1e-5)
    for index in range(2):
        for point in _points(parted, index, random.Random(0)):
            values = parted.exact(point)
            for id, bounds in parted.known.items():
                assert (rationals(bounds.lower[index]) <= values[id]).all()
                assert (values[id] <= rationals(bounds.upper[index])).all()
