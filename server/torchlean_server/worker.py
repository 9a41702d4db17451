"""The analysis process: `python -m torchlean_server.worker`. It computes; everything that lasts is kept elsewhere.

The main thread analyses one file at a time. A reader thread takes messages meanwhile, so that a cancellation is seen
in mid-analysis, and ends the process when its input ends. Nothing is caught here that is not expected: a mistake in
the kernel ends the process with its last words on the wire, and the pool starts another.

The analysis is named on the command line (`--analysis module:function`). The module also provides `Session` (made
from the workspace folders, holds the caches) and `Cancelled` (raised when `cancelled()` was heeded); it may have
`certificates` and `viewed` of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any, BinaryIO

from torchlean.startup import keep_freed_memory, quick_imports
from torchlean_server import limits, messages
from torchlean_server.messages import Message

DEFAULT_ANALYSIS = "torchlean.analysis.pipeline:analyse"

WARM_UP = """
import torch
from torch import nn
import torchlean as tl

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)

    def forward(self, x):
        return torch.relu(self.fc(x)) + 1

net = Net()

@tl.claim(x=tl.box([0, 0], [1, 1]))
def holds(x):
    return net(x) >= 0
"""

OUT_OF_MEMORY = "it ran out of memory"


class Wire:
    """The worker's end of the protocol. Writing is locked: last words may come from another thread."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._lock = threading.Lock()
        self.requests: queue.Queue[Message] = queue.Queue()
        self.current: int | None = None
        self._cancelled: set[int] = set()

    def send(self, message: Message) -> None:
        with self._lock:
            for part in messages.divided(message):
                self._sink.write(messages.frame(part))
            self._sink.flush()

    def cancelled(self, request: int) -> bool:
        return request in self._cancelled

    def listen(self) -> None:
        """Take messages until the input ends, then end the process: its parent is gone or wants that."""
        while (message := messages.read(self._source)) is not None:
            if message["type"] == "cancel":
                self._cancelled.add(message["id"])
            else:
                self.requests.put(message)
        os._exit(0)

    def last_words(self, error: str) -> None:
        """Say why, and end at once: interpreter shutdown could hang on what is broken."""
        with contextlib.suppress(OSError):  # the parent may be gone
            self.send({"type": "crashed", "id": self.current, "error": error})
            sys.stderr.flush()
        os._exit(1)


class Analyser:
    """Runs the named analysis with a session that lasts as long as the process."""

    def __init__(self, name: str, wire: Wire, watch: limits.MemoryWatch) -> None:
        module_name, _, function = name.partition(":")
        with quick_imports():
            module = importlib.import_module(module_name)
        self._analyse: Callable[..., Any] = getattr(module, function)
        self._module = module
        self._new_session: Callable[[tuple[str, ...]], Any] = module.Session
        self._roots: tuple[str, ...] = ()
        self._session = module.Session(self._roots)
        self._cancelled_error: type[Exception] = module.Cancelled
        self._wire = wire
        self._watch = watch
        self._memory = 0

    def warm_up(self) -> None:
        """Analyse something small: torch imports much of itself at the first use, which takes as long as torch."""
        self._analyse(os.path.abspath("warm_up.py"), WARM_UP, self._session, lambda: False, lambda _: None)

    def serve(self, request: Message) -> None:
        """Answer one request: layers as they come, then the result or that it was cancelled."""
        from torchlean.analysis import wire as form
        from torchlean.analysis.views import View

        id = request["id"]
        self._wire.current = id
        self._adopt(request)
        self._session.method = request["method"]
        self._session.seconds = request["seconds"]
        self._session.text_alone = request["text_alone"]

        def publish(analysis: Any) -> None:
            self._wire.send({"type": "layer", "id": id, "analysis": form.encode(analysis)})

        def cancelled() -> bool:
            return self._wire.cancelled(id)

        answer: Message = {"type": "cancelled", "id": id}
        path, text, lines, claims = (request[name] for name in ("path", "text", "lines", "claims"))
        study, view = request["study"], request["view"]
        if not cancelled():
            with contextlib.suppress(self._cancelled_error):
                if claims is not None:
                    plans = self._certificates()(path, text, claims, self._session, cancelled)
                    answer = {"type": "result", "id": id, "plans": form.encode(plans)}
                elif view is not None:
                    seen = self._viewed()(form.decode_as(View, view), path, text, self._session, cancelled)
                    answer = {"type": "result", "id": id, "viewed": form.encode(seen)}
                elif study is not None:
                    from torchlean.analysis.studies import answered  # only those who ask for it wait for it

                    told, found = answered(study[0], study[1], path, text, self._session, cancelled)
                    answer = {"type": "result", "id": id, "text": told, "fixes": form.encode(found)}
                elif lines is None:
                    analysis = self._analyse(path, text, self._session, cancelled, publish)
                    answer = {"type": "result", "id": id, "analysis": form.encode(analysis)}
                else:
                    from torchlean.analysis.fixing import fixes  # only those who ask for fixes wait for it

                    found = fixes(path, text, (lines[0], lines[1]), self._session, cancelled)
                    answer = {"type": "result", "id": id, "fixes": form.encode(found)}
        self._wire.current = None
        self._wire.send(answer)

    def _certificates(self) -> Callable[..., Any]:
        """What plans certificates. Only those who ask for them wait for its import."""
        own: Callable[..., Any] | None = getattr(self._module, "certificates", None)
        if own is not None:
            return own
        from torchlean.analysis.certifying import certificates

        return certificates

    def _viewed(self) -> Callable[..., Any]:
        """What computes views; the same."""
        own: Callable[..., Any] | None = getattr(self._module, "viewed", None)
        if own is not None:
            return own
        from torchlean.analysis.viewing import viewed

        return viewed

    def _adopt(self, request: Message) -> None:
        """Take over what came with a request: workspace folders, changed unsaved texts, the memory limit."""
        roots = tuple(request["roots"])
        if roots != self._roots:
            # Rare (the start, a folder added); the pool sends all unsaved texts again.
            self._roots, self._session = roots, self._new_session(roots)
        for path, text in request["overlays"].items():
            if text is None:
                self._session.overlays.pop(path, None)
            else:
                self._session.overlays[path] = text
        if request["memory"] != self._memory:
            self._memory = self._watch.limit = request["memory"]
            limits.limit_memory(self._memory)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="torchlean_server.worker")
    parser.add_argument("--analysis", default=DEFAULT_ANALYSIS)
    parser.add_argument("--parent", type=int, required=True)
    options = parser.parse_args(arguments)
    limits.die_with_parent(options.parent)
    wire = Wire(*_claim_standard_streams())
    watch = limits.MemoryWatch(lambda: wire.last_words(OUT_OF_MEMORY))
    sys.excepthook = lambda kind, error, trace: _die(wire, kind, error, trace)
    threading.Thread(target=wire.listen, name="messages", daemon=True).start()
    watch.start()
    analyser = Analyser(options.analysis, wire, watch)
    _one_thread()
    keep_freed_memory()
    with quick_imports():
        analyser.warm_up()
    wire.send({"type": "ready"})
    while True:
        analyser.serve(wire.requests.get())


def _claim_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep the real stdin and stdout for the protocol; strays, also from native code, go to stderr and read nothing."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, sink


def _one_thread() -> None:
    """One torch thread a worker: two workers and the editor share the machine, and the tensors are small."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


def _die(wire: Wire, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The hook for what nobody expected."""
    traceback.print_exception(kind, error, trace)
    # torch reports a failed allocation as a RuntimeError that names its allocator.
    memory = (
        isinstance(error, MemoryError)
        or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
        or "can't allocate memory" in str(error)
    )
    wire.last_words(OUT_OF_MEMORY if memory else f"an internal error, {kind.__name__}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
