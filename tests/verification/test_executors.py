"""`torchlean verify` with workers: the verdict is that of one process, and no process is left behind."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper
from tests.bounds.relu_goals import Network, assert_covers, assert_decided_once

from torchlean.bounds.branching.cluster import DaskWorkers
from torchlean.bounds.branching.local import LocalWorkers
from torchlean.bounds.branching.workers import Workers
from torchlean.cancellation import Cancelled
from torchlean.capture.onnx import OnnxModel, load_onnx
from torchlean.cli import main
from torchlean.verification import Progress, Verification, verify
from torchlean.vnnlib import Property, parse

NETWORK = Network.random(10, 7, 32)
GAP = 0.02
"""With this gap thousands of boxes are needed: several seconds of work."""

PATIENT = 60.0
"""Seconds that a busy machine may take to start a worker."""


def write_network(path: Path) -> Path:
    nodes, stored, value = [], [], "x"
    for index, (weight, bias) in enumerate(NETWORK.layers):
        stored += [
            numpy_helper.from_array(np.asarray(weight.numpy()), f"w{index}"),
            numpy_helper.from_array(np.asarray(bias.numpy()), f"b{index}"),
        ]
        nodes.append(helper.make_node("Gemm", [value, f"w{index}", f"b{index}"], [f"z{index}"], transB=1))
        value = f"z{index}"
        if index + 1 < len(NETWORK.layers):
            nodes.append(helper.make_node("Relu", [value], [f"r{index}"]))
            value = f"r{index}"
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])
        for name, size in (("x", NETWORK.inputs), (value, 1))
    ]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], stored)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), str(path))
    return path


def property_text(floor: float) -> str:
    """Unsafe: an output at or below the floor."""
    lines = [f"(declare-const X_{index} Real)" for index in range(NETWORK.inputs)]
    lines += ["(declare-const Y_0 Real)"]
    for index in range(NETWORK.inputs):
        lines += [f"(assert (>= X_{index} -1.0))", f"(assert (<= X_{index} 1.0))"]
    return "\n".join([*lines, f"(assert (<= Y_0 {floor:.6f}))"])


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_network(tmp_path_factory.mktemp("executors") / "network.onnx")


@pytest.fixture(scope="module")
def model(network: Path) -> OnnxModel:
    return load_onnx(network)


@pytest.fixture(scope="module")
def property() -> Property:
    return parse(property_text(NETWORK.floor(GAP)), "test.vnnlib").required()


@pytest.fixture(scope="module")
def alone(model: OnnxModel, property: Property) -> Verification:
    return verify(model, property)


def assert_same(found: Verification, alone: Verification) -> None:
    assert (found.verdict, found.verified) == (alone.verdict, alone.verified) == ("unsat", 1.0)
    (tree,) = found.trees
    assert tree.leaves == found.boxes > 3000
    assert tree.least >= 0
    assert_covers(tree, NETWORK.inputs)
    assert_decided_once(tree)


class Interrupted:
    """Kills a worker when results of workers have come, and counts results before and after.

    Until then each step waits for what is handed out, so that workers have their part however slow they are.

    Args:
        last: no results come after it.
    """

    def __init__(self, workers: Workers, victims: Callable[[], list[int]], last: bool = False) -> None:
        self.last = last
        self.before = self.after = 0
        self.killed: int | None = None
        self._victims = victims
        self._tasks: set[Future[Any]] = set()
        submit, succeeded = workers.submit, workers.succeeded

        def recorded(work: Callable[..., Any], *arguments: object) -> Future[Any]:
            task = submit(work, *arguments)
            self._tasks.add(task)
            return task

        def counted() -> None:
            succeeded()
            if self.killed is None:
                self.before += 1
            else:
                self.after += 1

        workers.submit = recorded  # type: ignore[method-assign]
        workers.succeeded = counted  # type: ignore[method-assign]

    def report(self, progress: Progress) -> None:
        if self.before and self.killed is None:
            self.killed = self._victims()[0]
            os.kill(self.killed, signal.SIGKILL)
        if not self.after and not (self.killed and self.last):
            self._tasks -= wait(self._tasks, PATIENT, FIRST_COMPLETED).done


def spawned() -> set[psutil.Process]:
    """The processes that this one has started for work."""
    return {
        child
        for child in psutil.Process().children()
        if child.is_running() and "spawn_main" in " ".join(child.cmdline())
    }


def test_processes_give_the_verdict_of_one_though_one_is_killed(
    model: OnnxModel, property: Property, alone: Verification
) -> None:
    others = spawned()
    with LocalWorkers(2, delay=0.0) as workers:
        interrupted = Interrupted(workers, lambda: [child.pid for child in spawned() - others])
        found = verify(model, property, report=interrupted.report, workers=workers)
    assert interrupted.killed and interrupted.before and interrupted.after
    assert_same(found, alone)
    assert spawned() == others


def test_no_process_is_left_when_the_work_is_cancelled_or_late(model: OnnxModel, property: Property) -> None:
    others = spawned()
    with LocalWorkers(2, delay=0.0) as workers, pytest.raises(Cancelled):
        verify(model, property, cancelled=lambda: spawned() != others, workers=workers)
    assert spawned() == others
    for seconds in (1.0, 2.0, 4.0):  # on a busy machine the first may be over before a process is started
        with LocalWorkers(2, delay=0.0) as workers:
            found = verify(model, property, seconds=seconds, workers=workers)
            started = spawned() != others
        assert spawned() == others
        if started:
            break
    assert started
    assert found.verdict == "timeout" and found.verified < 1


def test_a_false_property_has_the_same_verdict_with_workers(model: OnnxModel) -> None:
    false = parse(property_text(NETWORK.floor(-0.001)), "test.vnnlib").required()
    with LocalWorkers(1, delay=0.0) as workers:
        found = verify(model, false, workers=workers)
    assert found.verdict == "sat" and found.counterexample is not None
    assert false.holds_at(found.counterexample.x, found.counterexample.y) is not None


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with distributed.LocalCluster(
        n_workers=2, processes=True, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        yield cluster


def test_a_cluster_gives_the_verdict_of_one_process_though_a_worker_is_killed(
    cluster: Any, model: OnnxModel, property: Property, alone: Verification
) -> None:
    with DaskWorkers(cluster.scheduler_address) as workers:
        assert workers.count == 2
        ids = list(workers._client.run(os.getpid).values())
        interrupted = Interrupted(workers, lambda: ids)
        found = verify(model, property, report=interrupted.report, workers=workers)
    assert interrupted.killed in ids and interrupted.before and interrupted.after
    assert_same(found, alone)


def dask(part: str, *arguments: str) -> psutil.Popen:
    """A scheduler or a worker as a process of its own, with nothing to say."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{part}", *arguments, "--no-dashboard"]
    return psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_a_scheduler_that_is_killed_costs_nothing_and_is_told_of_once(
    model: OnnxModel,
    property: Property,
    alone: Verification,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    scheduler = dask("scheduler", "--host", "127.0.0.1", "--port", str(port))
    worker = dask("worker", address, "--nthreads", "1", "--no-nanny")
    try:
        with DaskWorkers(address, seconds=PATIENT) as workers:
            workers._client.wait_for_workers(1, timeout=PATIENT)
            interrupted = Interrupted(workers, lambda: [scheduler.pid], last=True)
            found = verify(model, property, report=interrupted.report, workers=workers)
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()
    assert interrupted.killed == scheduler.pid and interrupted.before
    assert_same(found, alone)
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [
        f"the scheduler at {address} is gone: work goes on in this process alone, unless it comes back"
    ]
    assert "Traceback" not in capfd.readouterr().err


def test_the_command_uses_a_cluster(cluster: Any, network: Path, tmp_path: Path) -> None:
    file = tmp_path / "test.vnnlib"
    file.write_text(property_text(NETWORK.floor(0.2)), encoding="utf-8")
    run = CliRunner().invoke(
        main, ["verify", str(network), str(file), "--scheduler", cluster.scheduler_address]
    )
    assert run.exit_code == 0, run.output
    assert run.output.splitlines()[-1] == "unsat"


@pytest.fixture
def files(network: Path, tmp_path: Path) -> list[str]:
    file = tmp_path / "test.vnnlib"
    file.write_text(property_text(NETWORK.floor(0.2)), encoding="utf-8")
    return [str(network), str(file)]


def test_a_scheduler_that_does_not_answer_is_wrong_usage(
    files: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    monkeypatch.setattr("torchlean.bounds.branching.cluster.ANSWER", 0.5)
    for address in ("tcp://127.0.0.1:1", "nonsense://here"):
        run = CliRunner().invoke(main, ["verify", *files, "--scheduler", address])
        assert run.exit_code == 2
        assert f"no Dask scheduler answered at {address}" in run.output


def test_a_cluster_without_dask_is_wrong_usage(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    run = CliRunner().invoke(main, ["verify", *files, "--scheduler", "tcp://127.0.0.1:8786"])
    assert run.exit_code == 2
    assert "pip install 'torchlean[dask]'" in run.output


def test_workers_here_and_a_cluster_exclude_each_other(files: list[str]) -> None:
    run = CliRunner().invoke(
        main, ["verify", *files, "--workers", "2", "--scheduler", "tcp://127.0.0.1:8786"]
    )
    assert run.exit_code == 2
    assert "give one of them" in run.output


@pytest.mark.parametrize("count", [0, 1, 2])
def test_the_command_takes_a_number_of_processes(files: list[str], count: int) -> None:
    run = CliRunner().invoke(main, ["verify", *files, "--workers", str(count)])
    assert run.exit_code == 0, run.output
    assert run.output.splitlines()[-1] == "unsat"
