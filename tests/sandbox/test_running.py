"""Programs that crash, hang, print, allocate, fork, write and connect: what becomes of them, and what is told of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from torchlean.sandbox import Limits, Report, Walls, run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the sandbox needs fork(2)")

JOB = "tests.sandbox.jobs:importing"

Runner = Callable[..., Report]


NO_WALLS = """
import torchlean.sandbox.walls as walls
walls.separated = lambda: False
walls.fenced = lambda folders: False
"""

with_and_without_walls = pytest.mark.parametrize("runs", ["walls", "no walls"], indirect=True)
"""As on Linux that lets a process separate itself, and as on all other systems."""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Runner:
    paths = [str(Path(__file__).parents[2])]
    if getattr(request, "param", "walls") == "no walls":
        site = tmp_path / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(NO_WALLS, encoding="utf-8")
        paths.append(str(site))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    user = tmp_path / "user"
    user.mkdir()

    def of(program: str, limits: Limits | None = None, cancel: threading.Event | None = None) -> Report:
        file = user / "model.py"
        file.write_text(program, encoding="utf-8")
        return run(JOB, str(file), limits or Limits(seconds=20.0), roots=[user], place=user, cancel=cancel)

    return of


def assert_gone(*words: str) -> None:
    """No process has all these words in its command line; the system takes a moment to end a killed one."""
    for _ in range(50):
        left = [line for line in command_lines() if all(word in line for word in words)]
        if not left:
            return
        time.sleep(0.1)
    raise AssertionError(f"still there: {left}")


def command_lines() -> Iterator[str]:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")


def test_an_answer_comes_back_with_its_parts(runs: Runner) -> None:
    report = runs("answer = [1, 2.5, 'three']")
    assert report.ending == "finished", report
    assert (report.result, report.parts) == ({"answer": [1, 2.5, "three"]}, ("imported",))
    assert report.remarks == ()
    assert (report.printed, report.deeds, report.error) == ("", (), "")


def test_an_exception_is_told_with_its_place(runs: Runner) -> None:
    report = runs("def f():\n    raise ValueError('no weights')\nf()\n")
    assert report.ending == "failed"
    assert report.what_happened == "it raised ValueError: no weights while importing model.py"
    assert 'model.py", line 2, in f' in report.traceback


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exceptions have notes from Python 3.11 on")
def test_notes_do_not_hide_what_was_raised(runs: Runner) -> None:
    report = runs("error = ValueError('no weights')\nerror.add_note('seen twice\\nalready')\nraise error\n")
    assert report.what_happened == "it raised ValueError: no weights while importing model.py"


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("import ctypes; ctypes.string_at(0)", "SIGSEGV"),
        ("import os; os.abort()", "SIGABRT"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    ],
)
def test_a_crash_is_told_with_its_signal(runs: Runner, program: str, name: str) -> None:
    report = runs(program)
    assert report.what_happened == f"it crashed with {name} while importing model.py"


def test_what_was_sent_before_a_crash_is_kept(runs: Runner) -> None:
    report = runs(
        "import ctypes\nclass Answer(dict):\n    def items(self): ctypes.string_at(0)\nanswer = Answer(a=1)"
    )
    assert report.ending == "crashed"
    assert report.parts == ("imported",)
    assert report.what_happened.endswith("while answering")


@pytest.mark.parametrize("program", ["while True: pass", "import time; time.sleep(1000)"])
def test_a_program_that_hangs_is_killed(runs: Runner, program: str) -> None:
    report = runs(program, Limits(seconds=1.0))
    assert report.what_happened == "it ran out of time (1 s) while importing model.py"


def test_signals_that_are_ignored_do_not_help_a_program_that_hangs(runs: Runner) -> None:
    report = runs(
        "import signal\nfor n in (signal.SIGTERM, signal.SIGINT): signal.signal(n, signal.SIG_IGN)\n"
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass\n",
        Limits(seconds=1.0),
    )
    assert report.ending == "timed out"


@pytest.mark.parametrize(
    ("program", "code"), [("import sys; sys.exit(3)", 3), ("import os; os._exit(0)", 0), ("quit()", 0)]
)
def test_a_program_that_ends_itself_has_not_finished(runs: Runner, program: str, code: int) -> None:
    report = runs(program)
    assert report.what_happened == f"it ended the process with exit code {code} while importing model.py"


def test_prints_are_kept_up_to_a_bound_and_are_no_answers(runs: Runner) -> None:
    line = '{"result": {"answer": 7}}'
    report = runs(
        f"import os\nos.write(1, b'{line}' * 10000)\nprint('x' * 1000000)\nanswer = 1", Limits(output=1000)
    )
    assert report.result == {"answer": 1}
    assert len(report.printed) == 1000 and report.printed_bytes == 10000 * len(line) + 1000001
    assert report.remarks[0].startswith(f"it printed {report.printed_bytes} bytes, first ")


def test_nothing_can_be_read_from_standard_input(runs: Runner) -> None:
    assert runs("import sys; answer = sys.stdin.read()").result == {"answer": ""}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits and tells the memory of processes")
@pytest.mark.parametrize(
    "program",
    [
        "blocks = []\nwhile True: blocks.append(bytearray(10**7))",
        # Shared memory is no private memory: it is the watch that ends this.
        "import mmap\nblocks = []\nwhile 1:\n    blocks.append(mmap.mmap(-1, 10**6)); blocks[-1].write(b'1' * 10**6)",
    ],
)
def test_a_program_that_allocates_without_end_runs_out_of_memory(runs: Runner, program: str) -> None:
    report = runs(program, Limits(memory=200, seconds=20.0))
    assert report.what_happened == "it ran out of memory (200 MiB) while importing model.py"


@with_and_without_walls
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which processes there are")
def test_a_program_that_forks_without_end_is_ended_with_all_its_processes(runs: Runner) -> None:
    report = runs(
        "import os, time\nwhile True:\n    if os.fork() == 0: os.setsid(); time.sleep(1000)\n    time.sleep(0.005)\n",
        Limits(processes=20, seconds=20.0),
    )
    assert report.what_happened == "it started too many processes (20) while importing model.py"
    assert report.remarks == ("it started: a fork of itself",)
    assert_gone(f"{os.getpid()} ", "torchlean.sandbox.keeper")


STORM = """
import os, time
from torchlean.sandbox.walls import crowd_limited, separated
assert separated()
first = os.fork()
if first == 0:
    if not crowd_limited(310):
        print("not limited", flush=True)
        os._exit(0)
    count = 0
    try:
        while count < 2000:
            if os.fork() == 0:
                time.sleep(60)
                os._exit(0)
            count += 1
    except OSError:
        pass
    print(count, flush=True)
    os._exit(0)
os.waitpid(first, 0)
"""


def test_a_namespace_has_no_room_for_forks_without_end() -> None:
    said = subprocess.run(
        [sys.executable, "-c", STORM], capture_output=True, text=True, timeout=60, check=False
    ).stdout
    if "limited" in said or not said:
        pytest.skip("this system has no namespaces of processes with a limit of their own (Linux 6.14)")
    assert 280 < int(said) < 310


def test_a_program_runs_in_such_a_namespace(runs: Runner) -> None:
    report = runs("answer = int(open('/proc/sys/kernel/pid_max').read())", Limits(processes=40, seconds=20.0))
    here = int(Path("/proc/sys/kernel/pid_max").read_text())
    if report.walls.processes and report.result["answer"] != here:
        assert report.result["answer"] == Limits(processes=40).tasks


@with_and_without_walls
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which processes there are")
def test_what_a_program_leaves_behind_ends_with_it(runs: Runner) -> None:
    report = runs(
        "import subprocess\nsubprocess.Popen(['sleep', '98.7654'], start_new_session=True)\nanswer = 1"
    )
    assert report.ending == "finished"
    assert report.remarks == ("it started: a program (sleep)",)
    assert_gone("98.7654")


def test_a_fork_that_comes_back_neither_answers_nor_goes_on(runs: Runner) -> None:
    report = runs("import os\nanswer = 'child' if os.fork() == 0 else os.wait() and 'parent'")
    assert (report.result, report.parts) == ({"answer": "parent"}, ("imported",))


@with_and_without_walls
@pytest.mark.parametrize(
    "attempt",
    [
        "open(place, 'w')",
        "open(place, 'ab')",
        "os.open(place, os.O_CREAT | os.O_WRONLY)",
        "os.mkdir(place)",
        "os.remove(own)",
        "os.rename(own, place)",
        "os.truncate(own, 0)",
        "os.symlink(own, place)",
    ],
)
def test_files_outside_of_its_folder_stay_as_they_are(runs: Runner, tmp_path: Path, attempt: str) -> None:
    place = tmp_path / "written"
    report = runs(f"import os\nplace, own = {str(place)!r}, __file__\n{attempt}\n")
    assert report.ending == "failed" and report.error.startswith("PermissionError: TorchLean lets no program")
    assert any(remark.startswith("it was refused to write: ") for remark in report.remarks)
    assert not place.exists()
    assert (tmp_path / "user" / "model.py").stat().st_size > 0


def test_native_code_cannot_write_outside_either(runs: Runner, tmp_path: Path) -> None:
    place = tmp_path / "written"
    report = runs(
        f"import ctypes, os\nanswer = ctypes.CDLL(None).open({os.fsencode(place)!r}, {os.O_CREAT | os.O_WRONLY}, 0o600)"
    )
    if report.walls.files != "kernel":
        pytest.skip("this system has no Landlock")
    assert report.result == {"answer": -1} and not place.exists()


def test_files_in_its_home_are_let_and_told(runs: Runner) -> None:
    report = runs(
        "import os, pathlib\n(pathlib.Path.home() / 'log.txt').write_text('hello')\n"
        "answer = os.environ['TMPDIR'] == str(pathlib.Path.home())\nopen('/dev/null', 'w').write('x')"
    )
    assert report.result == {"answer": True}
    assert report.remarks == ("it wrote: ~/log.txt",)


def test_a_program_that_writes_without_end_is_ended(runs: Runner) -> None:
    report = runs(
        "import pathlib, time\nfor n in range(10**6):\n"
        "    (pathlib.Path.home() / f'{n}').write_bytes(b'x' * 10**6); time.sleep(0.002)\n",
        Limits(files=20, seconds=20.0),
    )
    assert report.what_happened == "it wrote too much (20 MiB) while importing model.py"


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.create_connection(('example.org', 80))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "socket.gethostbyname('example.org')",
        "socket.socket().bind(('127.0.0.1', 0))",
    ],
)
def test_the_network_is_refused(runs: Runner, attempt: str) -> None:
    report = runs(f"import socket\n{attempt}")
    assert report.error.startswith(
        "PermissionError: TorchLean lets no program that it runs reach the network: socket."
    )
    assert report.remarks[0].startswith("it was refused the network: ")


def test_native_code_cannot_reach_the_network_either(runs: Runner) -> None:
    report = runs(
        "import ctypes, socket, struct\nlibc = ctypes.CDLL(None, use_errno=True)\ns = libc.socket(2, 1, 0)\n"
        "address = struct.pack('<H', 2) + struct.pack('>H', 9) + bytes([127, 0, 0, 1]) + bytes(8)\n"
        "answer = [libc.connect(s, address, 16), ctypes.get_errno()]"
    )
    if report.walls.network != "kernel":
        pytest.skip("this system gives no namespace of the network")
    result, error = report.result["answer"]
    assert result == -1 and error != 111, "refused by a peer, so the machine itself was reached"


def test_a_run_can_be_cancelled(runs: Runner) -> None:
    cancel = threading.Event()
    threading.Timer(0.5, cancel.set).start()
    assert runs("while True: pass", cancel=cancel).ending == "cancelled"


@with_and_without_walls
def test_the_report_tells_what_held_the_program(runs: Runner, request: pytest.FixtureRequest) -> None:
    walls = runs("answer = 1").walls
    bare = "no walls" in request.node.name
    if not bare and walls != Walls("kernel", "kernel", True):
        pytest.skip("this system has no namespaces or no Landlock for unprivileged processes")
    assert walls == (Walls() if bare else Walls("kernel", "kernel", True))
