"""Runs what depends on the version of Python under every other version that is found: `make test-pythons`.

Continuous integration runs one version, and people install others. What differs between versions is Python's own:
grammar, syntax trees, the names of frames and code, sums of floats, documentation strings. So the tests that are run
are those that read programs, run them beside their capture, or start processes; arithmetic on tensors is the same.

Each version gets an environment of its own in `.venv-pythons/`, set up as `make setup` does and kept until the
project's requirements change. Which build of torch comes is up to the settings of pip.
"""

from __future__ import annotations

import argparse
import glob
import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

Version = tuple[int, int]

ROOT = Path(__file__).resolve().parents[1]

ENVIRONMENTS = ROOT / ".venv-pythons"

OLDEST: Version = (3, 10)
"""What pyproject.toml requires."""

PINNED: Version = (3, 11)
"""The oldest version for which the pinned packages exist (`numpy`); older ones get the newest that they can have."""

TESTS = (
    "tests/test_start.py",
    "tests/test_startup.py",
    "tests/capture/test_arrays.py",
    "tests/capture/test_iteration.py",
    "tests/capture/test_modules.py",
    "tests/capture/test_newer_grammar.py",
    "tests/capture/test_packages.py",
    "tests/capture/test_python.py",
    "tests/capture/test_python_facts.py",
    "tests/capture/test_reports.py",
    "tests/capture/test_robustness.py",
    "tests/capture/test_scripts.py",
    "tests/capture/test_tricky_programs.py",
    "tests/capture/test_varying_numbers.py",
    "tests/capture/test_workspace.py",
    "tests/claims/test_language.py",
    "tests/claims/test_light_import.py",
    "tests/command/test_command_line.py",
    "tests/command/test_pytest_plugin.py",
    "tests/exported",
    "tests/fixes",
    "tests/sandbox",
    "tests/server/test_conversation.py",
    "tests/server/test_lsp.py",
)
"""Some minutes for each version."""


def candidates(environment: Mapping[str, str]) -> list[str]:
    """Programs that are called like interpreters: on the PATH, and where pyenv and uv keep theirs."""
    home = environment.get("HOME", "")
    pyenv = environment.get("PYENV_ROOT") or os.path.join(home, ".pyenv")
    uv = environment.get("UV_PYTHON_INSTALL_DIR") or os.path.join(home, ".local", "share", "uv", "python")
    folders = [folder for folder in environment.get("PATH", "").split(os.pathsep) if folder]
    folders += sorted(glob.glob(os.path.join(pyenv, "versions", "*", "bin")))
    folders += sorted(glob.glob(os.path.join(uv, "*", "bin")))
    return [
        path
        for folder in folders
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), "python3.*")))
        if os.path.basename(path).removeprefix("python3.").isdigit()
    ]


def found(paths: list[str], own: Version) -> dict[Version, str]:
    """The first that works of each final version but one's own, from the oldest that is supported on."""
    result: dict[Version, str] = {}
    for path in paths:
        asked = "import sys, venv, ensurepip; print(*sys.version_info[:2], sys.version_info.releaselevel)"
        try:
            done = subprocess.run([path, "-c", asked], capture_output=True, text=True, check=False)
        except OSError:
            continue
        if done.returncode:
            continue  # a shim of pyenv for a version that is not chosen, or an installation without `venv`
        major, minor, level = done.stdout.split()
        version = (int(major), int(minor))
        if level == "final" and version >= OLDEST and version != own:
            result.setdefault(version, path)
    return dict(sorted(result.items()))


def environment_of(version: Version, interpreter: str) -> Path:
    """The interpreter of the version's environment, which is set up where it is missing or out of date.

    Raises:
        subprocess.CalledProcessError: something cannot be installed; pip has said what.
    """
    folder = ENVIRONMENTS / _name(version)
    python, stamp = folder / "bin" / "python", folder / ".installed"
    sources = [ROOT / "pyproject.toml", ROOT / "constraints.txt"]
    wanted = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    subprocess.run([interpreter, "-m", "venv", "--clear", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "--upgrade", "pip>=24"], check=True)
    pins = ["-c", str(ROOT / "constraints.txt")] if version >= PINNED else []
    subprocess.run([*install, *pins, "-e", f"{ROOT}[dev,examples]"], check=True)
    stamp.write_text(wanted, encoding="utf-8")
    return python


def passes(python: Path, tests: list[str]) -> bool:
    """Whether the tests pass under an interpreter."""
    # One thread per process, and nothing that another version has compiled (see the Makefile).
    settings = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [
        str(python),
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-n",
        "2",
        "--dist",
        "worksteal",
        *tests,
    ]
    return subprocess.run(command, cwd=ROOT, env=settings, check=False).returncode == 0


def main() -> int:
    """The exit code: 1 where a test fails or an environment cannot be made."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", metavar="3.N", action="append", help="this version, and no other")
    parser.add_argument(
        "tests", nargs="*", default=list(TESTS), help="instead of those that depend on Python"
    )
    options = parser.parse_args()
    own = sys.version_info[:2]
    others = found(candidates(os.environ), own)
    for name in options.only or ():
        if name not in map(_name, others):
            parser.error(f"there is no Python {name} among the others that are found: {_list(others)}")
    chosen = {v: path for v, path in others.items() if not options.only or _name(v) in options.only}
    if not chosen:
        print(
            f"Skipped: no other Python from {_name(OLDEST)} on is on the PATH or among those of pyenv and uv; "
            f"`make test` runs {_name(own)}."
        )
        return 0
    outcomes: dict[Version, str] = {}
    for version, interpreter in chosen.items():
        print(f"== Python {_name(version)} ({interpreter})", flush=True)
        try:
            python = environment_of(version, interpreter)
        except subprocess.CalledProcessError as error:
            outcomes[version] = f"not set up: `{' '.join(error.cmd[1:4])} ...` failed"
            continue
        outcomes[version] = "passed" if passes(python, options.tests) else "FAILED"
    for version, outcome in outcomes.items():
        print(f"Python {_name(version)}: {outcome}")
    return 0 if set(outcomes.values()) == {"passed"} else 1


def _name(version: Version) -> str:
    return ".".join(map(str, version))


def _list(versions: Mapping[Version, str]) -> str:
    return ", ".join(map(_name, versions)) or "none"


if __name__ == "__main__":
    sys.exit(main())
