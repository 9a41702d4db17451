"""The Lean library TorchLean, compiled once per toolchain and source into the user's cache."""

from __future__ import annotations

import concurrent.futures
import functools
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from torchlean.lean.errors import LibraryCancelled, LibraryError
from torchlean.lean.judge import ended_badly, parsed, unfinished
from torchlean.lean.olean import OleanError, foundations
from torchlean.lean.outcomes import Message
from torchlean.lean.places import lean_folder
from torchlean.lean.process import LeanProcess, Limits, Run
from torchlean.lean.sources import Module, checker, library_folder, read_modules
from torchlean.lean.store import Store
from torchlean.lean.toolchain import Toolchain

Report = Callable[[int, int, str], None]
"""Told how many modules are done, of how many, and what is being done."""

MODULE_SECONDS = 1800.0
"""For one module. The longest takes about a minute; a machine may be ten times slower and busy."""

LOCK_SECONDS = 0.2
"""Between two tries to get the lock, so that waiting can be cancelled."""

JOBS = 2
"""Modules compiled at once: most take 1 to 2 GB of memory."""

WORKING = ".building-"
"""How the names of working folders begin."""

BUILDING = Limits(memory=8192)
"""The largest proofs pass 4 GiB in the embedded build: 2 GiB of Lean's own, and the machine code that V8 makes."""


def _silent(done: int, total: int, text: str) -> None:
    """Nobody wants to know."""


class Library:
    """A state of the sources or of a part of them, for one toolchain. Its sources are read once."""

    def __init__(self, toolchain: Toolchain, modules: tuple[Module, ...], store: Store) -> None:
        self.toolchain = toolchain
        self.modules = modules
        self.identity = hashlib.sha256("\n".join(module.key for module in modules).encode()).hexdigest()
        """SHA-256 of all sources and of the toolchain."""
        self._store = store

    @classmethod
    def of(
        cls, toolchain: Toolchain, sources: Path | None = None, roots: Sequence[str] | None = None
    ) -> Library:
        """The library as its sources are now: what certificates need of it.

        Args:
            sources: the folder with `TorchLean/`; by default the one of this installation.
            roots: other modules that are needed, with all they import; none at all means the whole library.

        Raises:
            LibraryError: they are missing or malformed.
        """
        folder = library_folder() if sources is None else sources
        modules = read_modules(folder, toolchain.identity, checker(folder) if roots is None else roots)
        return cls(toolchain, modules, Store(lean_folder() / "library"))

    @property
    def folder(self) -> Path:
        """Where Lean finds the compiled modules once the library is complete."""
        return self._store.state(self.identity)

    @property
    def built(self) -> int:
        """How many modules are compiled."""
        return sum(self._store.has(module) for module in self.modules)

    @property
    def complete(self) -> bool:
        return all((self.folder / module.path(".olean")).is_file() for module in self.modules)

    def warnings(self) -> dict[str, list[str]]:
        """What Lean remarked about each compiled module; modules without remarks are left out."""
        built = [module for module in self.modules if self._store.has(module)]
        return {module.name: found for module in built if (found := self._store.warnings(module))}

    def build(
        self, report: Report = _silent, cancel: threading.Event | None = None, jobs: int = JOBS
    ) -> None:
        """Compile what is missing. Processes that want the same do it once; what is done when it is interrupted stays.

        Args:
            cancel: may be set by any thread.
            jobs: processes of Lean at once.

        Raises:
            LibraryError: Lean does not accept a module, or a module declares an axiom.
            LibraryCancelled: `cancel` was set.
            OSError: the cache cannot be written.
        """
        if self.complete:
            return
        stop = threading.Event() if cancel is None else cancel
        self._store.folder.mkdir(parents=True, exist_ok=True)
        # Where nothing is left to compile, another process that compiles another part need not be waited for.
        if self.built == len(self.modules) and self._assembled(report, stop):
            return
        with self._lock("build", report, stop):
            # A second round, for modules whose files turn out to be damaged when they are put together.
            for _ in range(2):
                _Build(self, self._store, report, stop, min(jobs, os.cpu_count() or 1)).run()
                if self._assembled(report, stop):
                    return
        raise LibraryError(f"compiled modules in {self._store.folder} change while they are put together")

    def _assembled(self, report: Report, cancel: threading.Event) -> bool:
        with self._lock("states", report, cancel):
            return self.complete or self._store.assemble(self.modules, self.identity) is not None

    def _lock(self, name: str, report: Report, cancel: threading.Event) -> _locked:
        waiting = functools.partial(report, 0, 1, "waiting for another process")
        return _locked(self._store.folder / f"{name}.lock", cancel, waiting)


class _locked:
    """A lock between processes that can be waited for and cancelled."""

    def __init__(self, file: Path, cancel: threading.Event, waiting: Callable[[], None]) -> None:
        self._lock = FileLock(str(file))
        self._cancel = cancel
        self._waiting = waiting

    def __enter__(self) -> None:
        while True:
            try:
                self._lock.acquire(timeout=LOCK_SECONDS)
                return
            except Timeout:
                if self._cancel.is_set():
                    raise LibraryCancelled("building the library was cancelled") from None
                self._waiting()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class _Build:
    """One pass over the modules, in a working folder that holds all sources and what is compiled so far."""

    def __init__(
        self, library: Library, store: Store, report: Report, cancel: threading.Event, jobs: int
    ) -> None:
        self.library = library
        self.store = store
        self.report = report
        self.cancel = cancel
        self.jobs = jobs
        self.done: set[str] = set()

    def run(self) -> None:
        for left in self.store.folder.glob(f"{WORKING}*"):  # by a process that was killed: the lock is ours
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=WORKING, dir=self.store.folder))
        try:
            for module in self.library.modules:
                file = folder / module.path(".lean")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(module.source)
                if self.store.has(module) and self.store.link(module, folder):
                    self.done.add(module.name)
            self._compile_all(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _compile_all(self, folder: Path) -> None:
        waiting = [module for module in self.library.modules if module.name not in self.done]
        total = len(self.library.modules)
        stop = _Either(self.cancel)
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            running: dict[concurrent.futures.Future[list[str]], Module] = {}
            try:
                while waiting or running:
                    free = [module for module in waiting if self.done.issuperset(module.imports)]
                    for module in free[: self.jobs - len(running)]:
                        waiting.remove(module)
                        running[pool.submit(self._compile, module, folder, stop)] = module
                    self.report(len(self.done), total, _at_work(running.values()))
                    self._collect(running, folder)
            except BaseException:
                stop.set()  # the others, so that leaving the pool does not wait for them
                raise
        self.report(total, total, "")

    def _collect(self, running: dict[concurrent.futures.Future[list[str]], Module], folder: Path) -> None:
        ended, _ = concurrent.futures.wait(
            running, timeout=LOCK_SECONDS, return_when=concurrent.futures.FIRST_COMPLETED
        )
        for future in ended:
            module = running.pop(future)
            self.store.put(module, folder, future.result())
            self.done.add(module.name)

    def _compile(self, module: Module, folder: Path, cancel: threading.Event) -> list[str]:
        """Let Lean write the compiled module into the working folder; its remarks."""
        source, target = folder / module.path(".lean"), folder / module.path(".olean")
        arguments = [
            "--json",
            f"--root={folder.resolve()}",
            "-o",
            str(target.resolve()),
            module.path(".lean"),
        ]
        assert source.is_file()
        try:
            process = LeanProcess(self.library.toolchain, arguments, [folder], folder, BUILDING)
        except OSError as error:
            raise LibraryError(f"Lean cannot be started: {error}") from error
        run = process.finish("", MODULE_SECONDS, cancel)
        messages = _accepted(module, run, target)
        _founded(module, target)
        return [str(message) for message in messages]


def _at_work(modules: Iterable[Module]) -> str:
    return f"compiling {', '.join(module.name for module in modules)}"


class _Either(threading.Event):
    """Set when it is set or when another is."""

    def __init__(self, other: threading.Event) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        return super().is_set() or self._other.is_set()


def _accepted(module: Module, run: Run, target: Path) -> list[Message]:
    """The remarks of a run that compiled the module.

    Raises:
        LibraryError: it did not.
        LibraryCancelled: it was not let.
    """
    if run.ending == "cancelled":
        raise LibraryCancelled("building the library was cancelled")
    messages, foreign = parsed(run.output)
    errors = [f"{module.path('.lean')}:{message}" for message in messages if message.severity == "error"]
    if run.ending == "ended" and run.code == 0 and not errors and target.is_file():
        return messages
    if errors:
        raise LibraryError(
            f"Lean does not accept {module.name}:\n" + "\n".join(f"  {line}" for line in errors)
        )
    how = unfinished(run) or ended_badly(run, foreign)
    raise LibraryError(f"{module.name} is not compiled: {how.describe()}")


def _founded(module: Module, target: Path) -> None:
    """Raises:
    LibraryError: the module declares an axiom or rests on a distrusted one.
    """
    try:
        faults = foundations(target).faults
    except OleanError as error:
        raise LibraryError(f"the compiled form of {module.name} cannot be examined: {error}") from error
    if faults:
        raise LibraryError(f"{module.name} is not proved: {'; '.join(faults)}")
