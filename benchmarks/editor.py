"""The language server as an editor sees it: over stdio, with another file under heavy analysis."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from benchmarks.table import Table, median, milliseconds, percentile

STARTS = 5
EDITS = 60
HOVERS = 100
BURST = 100
BURST_SECONDS = 2.0
LINES = 300


def run() -> list[Table]:
    with tempfile.TemporaryDirectory() as folder:
        return [asyncio.run(_measure(Path(folder)))]


@dataclass
class Editor:
    """A client that notes when diagnostics for which version arrive."""

    client: LanguageClient
    arrivals: dict[tuple[str, int], float] = field(default_factory=dict)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def published(self, params: types.PublishDiagnosticsParams) -> None:
        if params.version is not None:
            self.arrivals.setdefault((params.uri, params.version), time.perf_counter())
            self.changed.set()

    async def diagnostics(self, uri: str, version: int, timeout: float = 60.0) -> float:
        """When the diagnostics for this version (or a later one) came."""
        deadline = time.perf_counter() + timeout
        while time.perf_counter() < deadline:
            times = [
                at for (known, number), at in self.arrivals.items() if known == uri and number >= version
            ]
            if times:
                return min(times)
            self.changed.clear()
            try:
                await asyncio.wait_for(self.changed.wait(), 0.5)
            except asyncio.TimeoutError:
                continue
        raise TimeoutError(f"no diagnostics for version {version}")

    def open(self, path: Path, text: str) -> str:
        uri = path.as_uri()
        item = types.TextDocumentItem(uri=uri, language_id="python", version=1, text=text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))
        return uri

    def replace(self, uri: str, version: int, line: int, start: int, end: int, text: str) -> float:
        """One edit; returns when it was sent."""
        change = types.TextDocumentContentChangePartial(
            range=types.Range(types.Position(line, start), types.Position(line, end)), text=text
        )
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(uri=uri, version=version), [change]
            )
        )
        return time.perf_counter()


async def _measure(folder: Path) -> Table:
    table = Table(
        f"The server in use: a {LINES}-line file with a 4→64→64→64→2 controller",
        ["what", "median", "95 %", "worst", "goal"],
        note="Over stdio with pygls' client; another file with a 2048-wide network is under analysis all the time.",
    )
    client = LanguageClient("benchmark", "1")
    editor = Editor(client)

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    def published(params: types.PublishDiagnosticsParams) -> None:
        editor.published(params)

    starts = [await _start_and_stop(folder) for _ in range(STARTS)]
    _row(table, f"process start to `initialize` answered ({STARTS} starts)", starts, "≤ 1 s")
    started = time.perf_counter()
    await client.start_io(sys.executable, "-m", "torchlean_server")
    await client.initialize_async(_initialize(folder))
    client.initialized(types.InitializedParams())

    text = controller_file(LINES)
    line = next(i for i, row in enumerate(text.splitlines()) if "x = torch.relu(self.fc2(x))" in row)
    weight = next(i for i, row in enumerate(text.splitlines()) if "GAIN = " in row)
    uri = editor.open(folder / "controller.py", text)
    _row(
        table,
        "open to first diagnostics (torch is being imported)",
        [await editor.diagnostics(uri, 1) - started],
        "",
    )
    heavy = editor.open(folder / "heavy.py", HEAVY.replace("SCALE", "1.0"))
    churn = asyncio.create_task(_keep_busy(editor, heavy))
    await asyncio.sleep(1.0)

    version, delays, column = 1, [], len("GAIN = ")
    for edit in range(EDITS):
        version += 1
        sent = editor.replace(uri, version, weight, column, column + 4, f"{1 + edit / 100:.2f}")
        delays.append(await editor.diagnostics(uri, version) - sent)
        await asyncio.sleep(0.25)
    _row(table, "edit to diagnostics", delays, "median ≤ 50 ms, 95 % ≤ 100 ms")

    hovers = []
    for _ in range(HOVERS):
        start = time.perf_counter()
        position = types.Position(line, len("        x = torch.relu(se"))
        answer = await client.text_document_hover_async(
            types.HoverParams(types.TextDocumentIdentifier(uri=uri), position)
        )
        hovers.append(time.perf_counter() - start)
        assert answer is not None and "[" in str(answer.contents), "the hover shows an interval"
    _row(table, "hover", hovers, "95 % ≤ 30 ms")

    before = await _started(client, uri)
    sent = 0.0
    for edit in range(BURST):
        version += 1
        sent = editor.replace(uri, version, weight, column, column + 4, f"{2 + edit / 100:.2f}")
        await asyncio.sleep(BURST_SECONDS / BURST)
    after_burst = await editor.diagnostics(uri, version) - sent
    analyses = await _started(client, uri) - before
    _row(table, f"last of {BURST} edits within {BURST_SECONDS:g} s to diagnostics", [after_burst], "≤ 300 ms")
    table.add(f"analyses started for those {BURST} edits", str(analyses), "", "", "≤ 3")
    churn.cancel()
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    return table


async def _start_and_stop(folder: Path) -> float:
    """Seconds from starting the server's process to the answer to `initialize`."""
    client = LanguageClient("benchmark", "1")
    started = time.perf_counter()
    await client.start_io(sys.executable, "-m", "torchlean_server")
    await client.initialize_async(_initialize(folder))
    seconds = time.perf_counter() - started
    await client.shutdown_async(None)
    client.exit(None)
    await client.stop()
    return seconds


async def _keep_busy(editor: Editor, uri: str) -> None:
    """Edit the heavy file as soon as its analysis is done, for ever."""
    version = 1
    column = len("SCALE = ")
    while True:
        await editor.diagnostics(uri, version)
        version += 1
        editor.replace(uri, version, 3, column, column + 3, f"{1 + version % 9}.0")


async def _started(client: LanguageClient, uri: str) -> int:
    statistics: Any = await client.protocol.send_request_async("torchlean/statistics", {})
    return next(int(document.started) for document in statistics.documents if document.uri == uri)


def _initialize(folder: Path) -> types.InitializeParams:
    return types.InitializeParams(
        capabilities=types.ClientCapabilities(
            text_document=types.TextDocumentClientCapabilities(
                publish_diagnostics=types.PublishDiagnosticsClientCapabilities(version_support=True),
                hover=types.HoverClientCapabilities(content_format=[types.MarkupKind.Markdown]),
            )
        ),
        workspace_folders=[types.WorkspaceFolder(uri=folder.as_uri(), name="benchmark")],
        # What is measured is the way from an edit to the analysis' answer, on machines with and without Lean.
        initialization_options={"lean": {"enabled": False}},
    )


def _row(table: Table, what: str, seconds: list[float], goal: str) -> None:
    if len(seconds) == 1:
        table.add(what, milliseconds(seconds[0]), "", "", goal)
    else:
        worst = milliseconds(max(seconds))
        table.add(what, milliseconds(median(seconds)), milliseconds(percentile(seconds, 95)), worst, goal)


def controller_file(lines: int) -> str:
    """A file as people write them around a controller: model, dynamics, claims, helpers."""
    head = CONTROLLER
    helpers = []
    while (head + "".join(helpers)).count("\n") < lines - 8:
        helpers.append(HELPER.format(number=len(helpers)))
    return head + "".join(helpers)


CONTROLLER = '''"""A state-feedback controller and the claims about it."""

import torch
from torch import nn
import torchlean as tl

GAIN = 1.00


class Controller(nn.Module):
    def __init__(self, state: int = 4, hidden: int = 64, control: int = 2):
        super().__init__()
        self.fc1 = nn.Linear(state, hidden)
        self.fc2 = nn.Linear(hidden, hidden)
        self.fc3 = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, control)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        x = torch.relu(self.fc3(x))
        return GAIN * torch.tanh(self.out(x))


controller = Controller()


@tl.claim(x=tl.box([-1.0, -1.0, -1.0, -1.0], [1.0, 1.0, 1.0, 1.0]))
def bounded(x):
    return controller(x).abs() <= 4.0


@tl.claim(x=tl.box([-0.1, -0.1, -0.1, -0.1], [0.1, 0.1, 0.1, 0.1]))
def bounded_near_zero(x):
    return controller(x).abs() <= 4.0

'''

HELPER = '''
def helper_{number}(state, dt: float = 0.05):
    """One Euler step of the plant, number {number}."""
    position, speed, angle, rate = state.unbind(-1)
    force = controller(state)[..., 0]
    acceleration = force - 0.1 * speed
    turning = torch.sin(angle) + 0.5 * force
    next_state = torch.stack(
        [position + dt * speed, speed + dt * acceleration, angle + dt * rate, rate + dt * turning], dim=-1
    )
    return next_state

'''

HEAVY = """import torch
from torch import nn

SCALE = SCALE


class Wide(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2048, 2048) for _ in range(8)])

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(SCALE * x))
        return x


net = Wide()
y = net(torch.rand(2048))
"""
