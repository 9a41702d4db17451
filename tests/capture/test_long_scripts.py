"""Scripts whose loops compute more tensors than an editor can bound: they are cut short, which is said there."""

from __future__ import annotations

from textwrap import dedent

import pytest
import torch

from torchlean.bounds import BoundsCache, propagate
from torchlean.capture import Capture, Workspace, capture_file
from torchlean.capture.loops import UNROLLED
from torchlean.graph import validate

LANGUAGE_MODEL = """
import torch
from torch import nn

WORDS, HIDDEN, STEPS, BATCHES, EPOCHS = 50, 8, 35, {batches}, {epochs}
embedding = nn.Embedding(WORDS, HIDDEN)
lstm = nn.LSTM(HIDDEN, HIDDEN, num_layers=2)
out = nn.Linear(HIDDEN, WORDS)
text = torch.randint(0, WORDS, (BATCHES * STEPS + 1, 4))

for epoch in range(EPOCHS):
    state = (torch.zeros(2, 4, HIDDEN), torch.zeros(2, 4, HIDDEN))
    total = 0.0
    for batch in range(BATCHES):
        tokens = text[batch * STEPS : (batch + 1) * STEPS]
        hidden, state = lstm(embedding(tokens), state)
        scores = out(hidden)
        total += scores.logsumexp(-1).mean()
    print(epoch, total / BATCHES)
"""

SUMS = """
import torch
total, steps = torch.ones(3), torch.zeros(2)
for outer in range(60):
    for inner in range(60):
        total = total + torch.sin(total) * 0.5
        steps = steps + 1
result = total * 2
count = steps - 1
"""


def follow(text: str) -> Capture:
    capture = capture_file("/nowhere/main.py", dedent(text), Workspace(["/nowhere"]))
    validate(capture.graph)
    return capture


def said(capture: Capture) -> list[tuple[int, str]]:
    return [(found.span.line, found.message) for found in capture.diagnostics if found.code == "TL105"]


def test_the_graph_of_a_language_model_does_not_grow_with_its_epochs() -> None:
    short = follow(LANGUAGE_MODEL.format(batches=20, epochs=2))
    long = follow(LANGUAGE_MODEL.format(batches=60, epochs=40))
    (script,) = long.units
    shown, _ = long.graph.cone([seen.node for seen in script.observations])
    assert len(short.graph) == len(long.graph)
    assert UNROLLED < len(shown) < 3 * UNROLLED
    shapes = {seen.label: long.graph[seen.node].type.shape for seen in script.observations}
    assert shapes["scores"] == (35, 4, 50)
    assert shapes["total"] == ()


def test_it_is_said_at_the_loops_that_are_cut_short_and_once() -> None:
    text = LANGUAGE_MODEL.format(batches=20, epochs=40)
    lines = text.splitlines()
    found = said(follow(text))
    assert sorted(lines[line].strip() for line, _ in found) == [
        "for batch in range(BATCHES):",
        "for epoch in range(EPOCHS):",
    ]
    assert all("one more stands for all others" in message for _, message in found)


def test_what_comes_after_such_a_loop_can_have_the_numbers_that_torch_computes() -> None:
    capture = follow(SUMS)
    assert said(capture)
    names: dict[str, object] = {}
    exec(SUMS, names)
    (script,) = capture.units
    bounds = propagate(capture.graph, {}, BoundsCache())
    checked = 0
    for seen in script.observations:
        if seen.label in ("result", "count"):
            value, interval = names[seen.label], bounds[seen.node]
            assert isinstance(value, torch.Tensor)
            assert bool((interval.lower <= value).all() and (value <= interval.upper).all())
            checked += 1
    assert checked == 2


@pytest.mark.parametrize("before", ["", SUMS])
def test_the_layers_of_a_network_are_all_gone_through(before: str) -> None:
    text = f"""
import torch
from torch import nn
{before}
class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(60)])

    def forward(self, x):
        for layer in self.layers:
            for _ in range(12):
                x = torch.tanh(layer(x)) + x
        return x

y = Deep()(torch.ones(2))
"""
    capture = follow(text)
    tanhs = [node for node in capture.graph if node.op == "tanh"]
    script = capture.units[-1]
    graph, _ = capture.graph.cone([seen.node for seen in script.observations if seen.label == "y"])
    assert len([node for node in graph if node.op == "tanh"]) == 60 * 12
    assert len(tanhs) >= 60 * 12


SAMPLER = """
import torch
from torch import nn


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Conv2d(64, 64, 3, padding=1) for _ in range(4)])

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x

    @torch.no_grad()
    def sample(self, x):
        for step in reversed(range(50)):
            x = x - 0.1 * self(x)
        return x


model = Denoiser()
result = model.sample(torch.rand(16, 64, 32, 32))
one = model(result)
"""


def test_a_sampler_goes_through_a_network_of_large_tensors_a_few_times_and_through_all_its_layers() -> None:
    capture = follow(SAMPLER)
    assert said(capture) == []
    (script,) = (unit for unit in capture.units if unit.name == "main.py")
    (one,) = (seen.node for seen in script.observations if seen.label == "one")
    assert capture.graph[one].type.shape == (16, 64, 32, 32)
    graph, _ = capture.graph.cone([one])
    passes, rest = divmod(len([node for node in graph if node.op == "tanh"]), 4)
    assert 2 <= passes < 10 and rest == 0
    assert len([node for node in capture.graph if node.op == "tanh"]) < 20 * 4


def test_weights_do_not_count_as_computed() -> None:
    capture = follow(
        """
        import torch
        from torch import nn

        layers = []
        for size in range(40):
            layers.append(nn.Linear(2000, 2000))
        model = nn.Sequential(*layers)
        y = model(torch.ones(2, 2000))
        """
    )
    assert said(capture) == []
    assert (
        sum(node.type.numel for node in capture.graph if node.op == "parameter" or not node.inputs)
        > 40 * 2000**2
    )
