"""A branch and bound with workers finds what it finds alone, whatever happens to the workers."""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import fields
from pathlib import Path

import psutil
import pytest
import torch
from tests.bounds.fake_executors import Broken, Scripted
from tests.bounds.relu_goals import Network, assert_covers, assert_decided_once

from torchlean.bounds.branching import Goal, local, parallel, part
from torchlean.bounds.branching.bounder import Bounder
from torchlean.bounds.branching.boxes import Boxes
from torchlean.bounds.branching.explore import Exploration
from torchlean.bounds.branching.local import LocalWorkers
from torchlean.bounds.branching.packing import packed, unpacked
from torchlean.bounds.branching.parallel import PATIENCE, SharedExploration
from torchlean.bounds.branching.tree import SplitTree
from torchlean.bounds.branching.workers import CHANCES, Given, Workers

NETWORK = Network.random(5, 6, 32)
GAP = 0.002
"""The property then needs more than a thousand boxes, about a second of work."""


@pytest.fixture(scope="module")
def goal() -> Goal:
    return NETWORK.goal(NETWORK.floor(GAP))


def grown(source: random.Random, tree: SplitTree, splits: int) -> SplitTree:
    """Cut random open leaves, and decide a third of what is left."""
    for _ in range(splits):
        leaf = source.choice([leaf.id for leaf in tree.all_leaves() if not tree.done[leaf.id]])
        for half in tree.split(leaf, source.randrange(3), source.random()):
            tree.bound(half, source.random())
    for leaf in list(tree.all_leaves()):
        if source.random() < 1 / 3 and not tree.done[leaf.id]:
            tree.close(leaf.id)
    return tree


def forest_of(tree: SplitTree, leaves: list[int]) -> SplitTree:
    return SplitTree.forest([tree.depth[leaf] for leaf in leaves], [tree.bounds[leaf] for leaf in leaves])


def leaves_of(tree: SplitTree) -> list[tuple[object, float, int]]:
    return [(leaf.cuts, leaf.bound, tree.done[leaf.id]) for leaf in tree.all_leaves()]


@pytest.mark.parametrize("seed", range(20))
def test_a_graft_is_what_splitting_in_place_would_have_made(seed: int) -> None:
    source = random.Random(seed)
    tree = grown(source, SplitTree(), 12)
    open_ones = [leaf.id for leaf in tree.all_leaves() if not tree.done[leaf.id]]
    chosen = source.sample(open_ones, len(open_ones) // 2)
    grafts = grown(source, forest_of(tree, chosen), 15)
    before = {leaf.id: leaf.cuts for leaf in tree.all_leaves()}
    expected = [leaf for leaf in leaves_of(tree) if leaf[0] not in [before[id] for id in chosen]]
    for root, leaf in enumerate(chosen):
        alone = [
            (x.cuts, x.bound, grafts.done[x.id]) for x in grafts.all_leaves() if _root(grafts, x.id) == root
        ]
        expected += [((*before[leaf], *cuts), bound, done) for cuts, bound, done in alone]
    closed, share = tree.closed + grafts.closed, tree.verified + grafts.verified
    ids = tree.graft(chosen, grafts)
    assert sorted(leaves_of(tree)) == sorted(expected)
    assert tree.closed == closed and tree.verified == pytest.approx(share)
    assert [tree.depth[id] for id in ids] == grafts.depth.tolist()
    assert_decided_once(tree)


def _root(forest: SplitTree, node: int) -> int:
    above = {}
    for id, first in enumerate(forest.first):
        if first >= 0:
            above[first] = above[first + 1] = id
    while node in above:
        node = above[node]
    return node


def test_a_forest_counts_its_leaves_and_its_share_of_the_domain() -> None:
    forest = SplitTree.forest([2, 3], [-math.inf, -1.0])
    assert forest.leaves == 2 and not forest.finished
    below, above = forest.split(0, 1, 0.5)
    for leaf in (below, above, 1):
        forest.close(leaf)
    assert forest.finished and forest.leaves == 3
    assert forest.verified == 0.25 + 0.125


def test_nothing_is_decided_twice() -> None:
    tree = SplitTree()
    below, above = tree.split(0, 0, 0.0)
    decided = forest_of(tree, [below])
    decided.close(0)
    tree.graft([below], decided)
    with pytest.raises(AssertionError, match="once"):
        tree.graft([below], decided)
    with pytest.raises(AssertionError, match="once"):
        tree.close(below)
    with pytest.raises(AssertionError, match="not decided"):
        tree.split(below, 0, -0.5)
    with pytest.raises(AssertionError, match="each leaf"):
        tree.graft([above, above], forest_of(tree, [above, above]))
    assert tree.closed == 1 and tree.verified == 0.5


def explored(goal: Goal, steps: int = 6) -> Exploration:
    exploration = Exploration.begin(Bounder(goal))
    for _ in range(steps):
        exploration.step(32)
    return exploration


def same(one: Boxes, other: Boxes) -> bool:
    for field in fields(Boxes):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        mine, theirs = ({0: x} if isinstance(x, torch.Tensor) else x for x in (mine, theirs))
        if list(mine) != list(theirs) or not all(torch.equal(mine[id], theirs[id]) for id in mine):
            return False
    return True


def test_boxes_arrive_as_they_were_sent(goal: Goal) -> None:
    boxes = explored(goal).open
    assert len(boxes) > 50
    for some in (boxes, boxes.of(torch.tensor([3])), boxes.of(torch.tensor([], dtype=torch.int64))):
        arrived, depth = unpacked(packed(some, [4]))
        assert isinstance(arrived, Boxes) and depth == [4]
        assert same(arrived, some)


def test_where_relus_are_cut_a_box_takes_less_than_its_inputs_alone() -> None:
    network = Network.random(1, 300, 40)
    exploration = explored(network.goal(network.floor(0.3)), 4)
    assert exploration.bounder.phased
    boxes = exploration.open
    arrived = unpacked(packed(boxes))[0]
    assert isinstance(arrived, Boxes) and same(arrived, boxes)
    assert len(packed(boxes)) < boxes.lower.nbytes < boxes.nbytes


def test_boxes_of_another_version_are_refused(goal: Goal, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = packed(explored(goal, 1).open)
    monkeypatch.setattr("torchlean.bounds.branching.packing.version", lambda name: "0.0.1")
    with pytest.raises(ValueError, match=r"TorchLean 0\.0\.1 cannot work together"):
        unpacked(sent)


def shared(goal: Goal, workers: Workers | None, limit: int = 2000) -> SharedExploration:
    """Run until nothing is left to split."""
    # A clock that runs fast: what a script forgets to answer is soon missed.
    run = SharedExploration(Exploration.begin(Bounder(goal)), workers, lambda: 100 * time.monotonic())
    steps = 0
    while not run.exploration.proved and run.step(64):
        steps += 1
        assert steps < limit
    return run


def assert_proved(run: SharedExploration, at_least: int = 1000) -> None:
    tree = run.exploration.tree
    assert run.exploration.proved and run.open == 0
    assert tree.verified == 1.0 and tree.least >= 0
    assert tree.leaves > at_least
    assert_covers(tree, NETWORK.inputs)
    assert_decided_once(tree)


SCRIPTS = {
    "all tasks are run": [],
    "every other task fails": ["fail", "run"] * 200,
    "tasks are called off": ["run", "lose", "run"] * 200,
    "results come in another order": ["swap", "swap", "run"] * 200,
    "all fail": ["fail"] * 10**4,
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_a_property_is_proved_and_its_tree_covers_the_domain(goal: Goal, script: list[str]) -> None:
    executor = Scripted(script)
    run = shared(goal, Given(executor, 2))
    assert executor.submitted >= CHANCES
    assert_proved(run)


def test_alone_the_same_is_proved(goal: Goal) -> None:
    assert_proved(shared(goal, None))


def test_after_a_few_failures_work_goes_on_alone_and_says_so(
    goal: Goal, caplog: pytest.LogCaptureFixture
) -> None:
    workers = Given(Broken(), 2)
    assert_proved(shared(goal, workers))
    assert workers.failures == CHANCES
    (record,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "this process alone" in record.message and "after shutdown" in record.message


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def run_dry(run: SharedExploration) -> int:
    """Until all that is open is handed out and not answered; how much that is."""
    while len(run.exploration.open) or any(answer.done() for answer in run._handed):
        assert run.step(64)
    return run.open


def finish(run: SharedExploration) -> None:
    while not run.exploration.proved:
        assert run.step(64)


def test_what_never_comes_back_is_explored_again_and_counts_once_when_it_does(goal: Goal) -> None:
    executor, clock = Scripted(["run", "hold"]), Clock()
    run = SharedExploration(Exploration.begin(Bounder(goal)), Given(executor, 1), clock)
    waiting = run_dry(run)
    assert executor.held == 1 and not run.exploration.proved
    clock.now += PATIENCE / 2
    assert run.step(64) and run.open == waiting
    clock.now += PATIENCE
    assert run.step(64) and len(run.exploration.open) == waiting
    executor.release()
    finish(run)
    assert_proved(run)


def test_nobody_waits_for_workers_that_are_still_starting(goal: Goal) -> None:
    executor = Scripted(["hold"] * 10**4)
    run = SharedExploration(Exploration.begin(Bounder(goal)), Given(executor, 2), Clock())
    finish(run)
    assert executor.held > 0
    executor.release()
    assert run.step(64) is False
    assert_proved(run)


def test_verified_and_open_shares_add_up_to_the_domain_at_any_time(goal: Goal) -> None:
    executor = Scripted(["hold", "run", "fail"] * 1000)
    run = SharedExploration(Exploration.begin(Bounder(goal)), Given(executor, 3))
    for _ in range(12):
        run.step(16)
        tree = run.exploration.tree
        undecided = [leaf.id for leaf in tree.all_leaves() if not tree.done[leaf.id]]
        assert tree.verified + sum(2.0 ** -tree.depth[leaf] for leaf in undecided) == 1.0
        assert len(undecided) == run.open
    run.withdraw()
    assert sorted(run.exploration.open.node.tolist()) == sorted(undecided)


def test_a_false_property_is_not_proved_with_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "SLICE", 0.05)
    false = NETWORK.goal(NETWORK.floor(-0.01))
    run = SharedExploration(Exploration.begin(Bounder(false)), Given(Scripted(), 2))
    for _ in range(10):
        assert run.step(64)
    assert not run.exploration.proved
    assert run.exploration.tree.least < 0


def test_a_worker_that_does_not_know_the_goal_is_told(goal: Goal, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[bool] = []

    def forgetful(key: bytes, content: bytes | None, *rest: object) -> bytes | None:
        if len(answers) == 5:
            part._bounders.clear()
        found = part.explore_part(key, content, *rest)  # type: ignore[arg-type]
        answers.append(found is not None)
        return found

    monkeypatch.setattr("torchlean.bounds.branching.parallel.explore_part", forgetful)
    assert_proved(shared(goal, Given(Scripted(), 2)))
    assert answers[:5] == [True] * 5 and not answers[5] and answers[-1]


HARDER = Network.random(10, 7, 32)
"""Several thousand boxes with a gap of 0.02: seconds of work."""


PATIENT = 60.0
"""Seconds that a busy machine may take to start a worker."""


class Counting(LocalWorkers):
    """Workers whose results are counted."""

    results = 0

    def succeeded(self) -> None:
        super().succeeded()
        self.results += 1

    @property
    def processes(self) -> list[psutil.Process]:
        executor = self._executor
        assert executor is None or isinstance(executor, ProcessPoolExecutor)
        return [psutil.Process(id) for id in (executor._processes or {})] if executor is not None else []


def run_until(run: SharedExploration, reached: Callable[[], bool]) -> None:
    """In small steps, waiting for workers after each, so that there is work left for them however slow they are."""
    while not reached():
        assert run.step(2), "there were not enough boxes"
        wait(run._handed, PATIENT, FIRST_COMPLETED)


def test_a_killed_process_loses_nothing_and_another_takes_its_place() -> None:
    workers = Counting(2, delay=0.0)
    run = SharedExploration(Exploration.begin(Bounder(HARDER.goal(HARDER.floor(0.02)))), workers)
    with workers:
        run_until(run, lambda: workers.results > 0 and len(workers.processes) == 2)
        before = workers.processes
        os.kill(before[0].pid, signal.SIGKILL)
        run_until(run, lambda: workers.failures > 0)
        run_until(run, lambda: workers.results > 0 and workers.failures == 0)
        while not run.exploration.proved:
            assert run.step(256)
        after = workers.processes
        assert after and not set(before) & set(after)
    assert not any(process.is_running() for process in before + after)
    tree = run.exploration.tree
    assert tree.verified == 1.0 and tree.least >= 0 and tree.leaves > 3000
    assert_covers(tree, HARDER.inputs)
    assert_decided_once(tree)


def test_workers_that_are_still_starting_end_at_once(goal: Goal) -> None:
    workers = Counting(2, delay=0.0)
    run = SharedExploration(explored(goal, 3), workers)
    with workers:
        assert run.step(2)
        started = workers.processes
        assert started
    run.withdraw()
    assert not any(process.is_running() for process in started)
    assert run.open == len(run.exploration.open)


def test_no_worker_is_started_before_its_time(goal: Goal) -> None:
    workers = Counting(2, delay=3600.0)
    run = SharedExploration(explored(goal, 3), workers)
    with workers:
        assert run.step(2)
        assert not workers.processes and run.open == len(run.exploration.open)


FOLLOWED = """
import multiprocessing, os, time
from torchlean.bounds.branching.local import LocalWorkers
if __name__ == "__main__":
    workers = LocalWorkers(2, delay=0.0)
    tasks = [workers.submit(time.sleep, 3600) for _ in range(2)]
    while not all(task.running() for task in tasks):
        time.sleep(0.01)
    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
    time.sleep(3600)
"""


def test_workers_end_when_the_process_that_started_them_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "followed.py"
    script.write_text(FOLLOWED, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        workers = [psutil.Process(int(id)) for id in program.stdout.readline().split()]
        assert len(workers) == 2
        program.kill()
    gone, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive and len(gone) == 2


def test_a_container_with_a_share_of_the_cores_counts_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)), raising=False)
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(local, "QUOTA", quota)
    assert local.usable_cores() == 64
    for content, cores in (("max 100000\n", 64), ("250000 100000\n", 2), ("50000 100000\n", 1)):
        quota.write_text(content, encoding="ascii")
        assert local.usable_cores() == cores
