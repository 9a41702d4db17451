"""A branch and bound that has workers beside this process.

This process goes on splitting boxes, the worst first, and hands samples of the others out: to each worker one chunk to
explore and one to wait for. A worker explores its chunk for as long as this process has boxes of its own, a second at
most, and what comes back, a forest and the boxes that are open in it, is put in the place of the chunk. So results are
never far behind, and when boxes run out the work is shared anew.

Boxes that are handed out still belong to this process: until their result is merged, they are leaves of its tree,
with all that was known of them. When a worker fails they become open again; a result that comes after that, or comes
twice, belongs to no chunk and is dropped. Whatever happens to workers, nothing is lost and nothing is decided twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from dataclasses import dataclass
from types import TracebackType

from torchlean.bounds.branching.boxes import Boxes
from torchlean.bounds.branching.explore import BATCH, Exploration
from torchlean.bounds.branching.hardest import Hardest, hardest
from torchlean.bounds.branching.part import SentGoal, explore_part, pack_boxes, unpack_part
from torchlean.bounds.branching.workers import Workers

SLICE = 1.0
"""Most seconds that a worker explores a chunk: a hundred times what sending it takes, and as long as a person waits."""

LEAST_SLICE = 0.1
"""Seconds that a worker explores a chunk though this process has nothing left to do: ten times what sending takes."""

WAITING = 2
"""Chunks for each worker: one that it explores and one for when it is done with that."""

PAUSE = 0.05
"""Seconds between two looks at cancellation, while this process has nothing to do but wait."""

PATIENCE = 10.0
"""Slices, or steps of this process where these last longer, after which a chunk is taken back when nothing else is left
to do: its worker may hang, or its machine be cut off."""

CHUNK_BYTES = 2**22
"""In one chunk: a hundredth of a second on a fast network, and little enough for a scheduler to pass on."""

Answer = Future[bytes | None]


@dataclass(frozen=True, eq=False, slots=True)
class Chunk:
    """Boxes that are handed out, and since when."""

    boxes: Boxes
    since: float


class SharedExploration:
    """An exploration, with workers or alone.

    Attributes:
        exploration: whose boxes are shared.
        workers: None for this process alone.
        clock: seconds from any start.
    """

    def __init__(
        self,
        exploration: Exploration,
        workers: Workers | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.exploration = exploration
        self.workers = workers
        self.clock = clock
        self._handed: dict[Answer, Chunk] = {}
        self._goal: SentGoal | None = None
        self._introductions = 0
        self._pace = 0.0
        self._step = 0.0

    def __enter__(self) -> SharedExploration:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.withdraw()

    @property
    def open(self) -> int:
        """How many boxes are not decided, those that are handed out among them."""
        return len(self.exploration.open) + sum(len(chunk.boxes) for chunk in self._handed.values())

    def hardest(self, name: Callable[[int], str]) -> Hardest | None:
        """The hardest of these, as it is known here; inputs are called what `name` says."""
        parts = [self.exploration.open, *(chunk.boxes for chunk in self._handed.values())]
        return hardest(parts, self.exploration.bounder.goal, name)

    def step(self, batch: int) -> bool:
        """Take in what workers found, give them more, and split boxes; where there are none, wait a moment.

        Args:
            batch: boxes split here.

        Returns:
            False where nothing was left to split, here and elsewhere.
        """
        arrived = self._collect()
        self._hand_out()
        count = min(batch, len(self.exploration.open))
        if count:
            since = self.clock()
            self.exploration.step(batch)
            self._step = self.clock() - since
            self._pace = self._step / count
            return True
        if self._handed:
            self._wait()
            return True
        return arrived

    def withdraw(self) -> None:
        """Take back all that is handed out: the end of the work, or of the workers."""
        for answer in self._handed:
            answer.cancel()
        self.exploration.give([chunk.boxes for chunk in self._handed.values()])
        self._handed.clear()

    def _collect(self) -> bool:
        """Take in what has arrived; whether anything has."""
        failure: BaseException | None = None
        boxes: list[Boxes] = []
        for answer in [answer for answer in self._handed if answer.done()]:
            chunk = self._handed.pop(answer)
            error = CancelledError("called off") if answer.cancelled() else answer.exception()
            if error is not None:
                failure = error
                boxes.append(chunk.boxes)
            else:
                if self.workers is not None:
                    self.workers.succeeded()
                boxes.append(self._merged(chunk.boxes, answer.result()))
        self.exploration.give(boxes)
        if failure is not None:
            self._failed(failure)
        return bool(boxes)

    def _merged(self, boxes: Boxes, found: bytes | None) -> Boxes:
        """What is still open of a chunk."""
        if found is None:
            # A worker that has come since the goal was sent.
            self._introductions = 0
            return boxes
        part = unpack_part(found)
        return self.exploration.merge(boxes, part.tree, part.open, part.stuck)

    def _failed(self, error: BaseException) -> None:
        if self.workers is not None:
            self.workers.failed(error)
        if isinstance(error, BrokenExecutor | TimeoutError) or self.workers is None or not self.workers.ready:
            self.withdraw()

    def _hand_out(self) -> None:
        """Chunks for workers that have too few, of equal shares of what is open."""
        count = len(self.exploration.open)
        if self.workers is None or count < 2 or not self.workers.ready:
            return
        places = WAITING * self.workers.count
        free = places - len(self._handed)
        if free <= 0:
            return
        most = CHUNK_BYTES // (self.exploration.open.nbytes // count)
        size = max(1, min(count // (places + 1), self._batch, most))
        chunks = self.exploration.take(min(free, (count - 1) // size), size)
        while chunks:
            task = self._task(chunks[-1], places)
            try:
                answer = self.workers.submit(explore_part, *task)
            except (OSError, RuntimeError) as error:
                # Executors that broke, or were shut down by others, refuse with a RuntimeError.
                self.exploration.give(chunks)
                self.withdraw()
                self.workers.failed(error)
                return
            self._handed[answer] = Chunk(chunks.pop(), self.clock())

    @property
    def _slice(self) -> float:
        """Seconds for a chunk: as long as this process is busy with what it has, going by its last step."""
        return min(SLICE, max(LEAST_SLICE, self._pace * len(self.exploration.open)))

    @property
    def _batch(self) -> int:
        """Boxes that are split in a slice."""
        return max(1, min(BATCH, int(SLICE / self._pace))) if self._pace else BATCH

    def _task(self, boxes: Boxes, places: int) -> tuple[bytes, bytes | None, bytes, float, int]:
        """The arguments of `explore_part`: the goal's content goes with as many parts as there are places."""
        if self._goal is None:
            self._goal = SentGoal.of(self.exploration.bounder.goal)
        content = self._goal.content if self._introductions < places else None
        self._introductions += 1
        depths = [self.exploration.tree.depth[node] for node in boxes.node.tolist()]
        return self._goal.key, content, pack_boxes(depths, boxes), self._slice, self._batch

    def _wait(self) -> None:
        """For an answer, a moment; then take back what nobody has begun, or nobody will end."""
        wait(self._handed, PAUSE, FIRST_COMPLETED)
        if any(answer.done() for answer in self._handed):
            return
        # While workers start nothing is begun; then each has begun one chunk, the oldest ones. What a pool has put into
        # its queue cannot be called off: its result will be dropped.
        begun = self.workers.count if self.workers is not None and self.workers.answered else 0
        if len(self._handed) > begun:
            newest = next(reversed(self._handed))
            newest.cancel()
            self.exploration.give([self._handed.pop(newest).boxes])
            return
        patience = PATIENCE * max(SLICE, self._step)
        if self.clock() - min(chunk.since for chunk in self._handed.values()) > patience:
            self._failed(TimeoutError(f"no answer for {patience:.0f} s"))
