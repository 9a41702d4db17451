"""What the program does beyond computing, seen by an audit hook (PEP 578), which no Python code can take away again.

It notes what is written, started and connected, and refuses the network, and files outside of the program's folder,
with an exception that says so. Native code passes it; the walls (`walls`) then hold alone, and silently.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from torchlean.sandbox.channel import Channel
from torchlean.sandbox.limits import COMPILER
from torchlean.sandbox.walls import DEVICES

MOST_DEEDS = 200
"""Different ones that are told; a program that does more is described well enough."""

_STARTS = {
    "os.fork": "a fork of itself",
    "os.forkpty": "a fork of itself",
    "os.exec": "another program in its place",
    "os.posix_spawn": "a program",
    "os.system": "a shell command",
    "subprocess.Popen": "a program",
}
_CONNECTS = frozenset(
    {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"}
    | {"socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
)
_CHANGES = frozenset(
    {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
    | {"os.chown", "os.utime", "os.setxattr", "os.removexattr"}
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """Attributes:
    folder: where files may be written.
    roots: folders with the user's code, which tell its deeds from a library's.
    """

    def __init__(self, channel: Channel, folder: str, roots: Sequence[str]) -> None:
        self._channel = channel
        self._folder = os.path.realpath(folder)
        self._roots = tuple(os.path.realpath(root) + os.sep for root in roots)
        self._seen: set[tuple[str, str, bool, bool]] = set()
        self._inside = False

    def start(self) -> None:
        """For as long as this process lives."""
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        handler = self._handler(event)
        if handler is None or self._inside or not self._channel.mine:
            return
        self._inside = True
        try:
            handler(event, arguments)
        finally:
            self._inside = False

    def _handler(self, event: str) -> Callable[[str, tuple[Any, ...]], None] | None:
        if event == "open":
            return self._opened
        if event in _CHANGES:
            return self._changed
        if event in _STARTS:
            return self._started
        return self._connected if event in _CONNECTS else None

    def _opened(self, event: str, arguments: tuple[Any, ...]) -> None:
        path, _, flags = arguments
        if isinstance(flags, int) and flags & _WRITING:
            self._written(path)

    def _changed(self, event: str, arguments: tuple[Any, ...]) -> None:
        paths = arguments[:2] if event in ("os.rename", "os.link") else arguments[:1]
        for path in paths:
            self._written(path)

    def _written(self, path: Any) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return  # an open descriptor: its opening was seen
        place = os.path.realpath(os.fsdecode(path))
        if place in DEVICES:
            return
        if place.startswith(os.path.join(self._folder, COMPILER)):
            return
        if place.startswith(self._folder + os.sep):
            self._note("file", f"~{place.removeprefix(self._folder)}", refused=False)
        elif place != self._folder:
            self._note("file", place, refused=True)
            raise PermissionError(f"TorchLean lets no program that it runs write files: {place}")

    def _started(self, event: str, arguments: tuple[Any, ...]) -> None:
        named = arguments[0] if event in ("os.system", "os.posix_spawn", "subprocess.Popen") else None
        text = os.fsdecode(named) if isinstance(named, (str, bytes)) else ""
        self._note("process", f"{_STARTS[event]} ({text[:80]})" if text else _STARTS[event], refused=False)

    def _connected(self, event: str, arguments: tuple[Any, ...]) -> None:
        # Look-ups begin with a name or an address; what happens on a socket begins with the socket.
        address = arguments[0 if event.startswith("socket.get") else 1]
        self._note("network", _address(address), refused=True)
        raise PermissionError(
            f"TorchLean lets no program that it runs reach the network: {event} {_address(address)}"
        )

    def _note(self, kind: str, what: str, *, refused: bool) -> None:
        own = self._called_by_user()
        deed = (kind, what, refused, own)
        if deed not in self._seen and len(self._seen) < MOST_DEEDS:
            self._seen.add(deed)
            self._channel.write({"deed": deed})

    def _called_by_user(self) -> bool:
        frame = sys._getframe()
        while frame.f_back is not None:
            frame = frame.f_back
            if frame.f_code.co_filename.startswith(self._roots):
                return True
        return False


def _address(address: Any) -> str:
    if isinstance(address, tuple):
        return ":".join(str(part) for part in address[:2])
    return os.fsdecode(address) if isinstance(address, bytes) else str(address)
