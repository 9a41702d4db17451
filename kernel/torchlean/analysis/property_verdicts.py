"""The verdict of a property file for the network that it names, in the words and with the evidence of claims."""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from torchlean.analysis.properties import Reading, misfit, place, reading
from torchlean.analysis.result import ClaimResult, Evidence, FileAnalysis, Verdict
from torchlean.analysis.session import Session
from torchlean.capture.onnx import OnnxError, OnnxModel, OnnxValue, load_onnx
from torchlean.diagnostics import Severity, diagnostic
from torchlean.numbers import element_name, share_below
from torchlean.verification import PosingError, Progress, Verification, verify
from torchlean.vnnlib import Property
from torchlean.vnnlib.naming import NamedNetwork

SHARE = 0.8
"""Of an analysis' time that goes into the verdict: the rest is for loading the network and for what a running step
takes to notice the end."""

PROGRESS_SECONDS = 0.5
"""Between two reports of how far the verdict is: often enough to see that it moves."""

MAX_SHOWN = 8
"""Numbers of a counterexample that a message spells out; the whole input is in the result."""

_CODES = {Verdict.PROVED: "TL300", Verdict.REFUTED: "TL301", Verdict.UNKNOWN: "TL302"}


@dataclass(frozen=True, slots=True)
class _Task:
    """A property that can be decided, with its network."""

    reading: Reading
    network: NamedNetwork
    question: Property

    @property
    def path(self) -> str:
        return self.reading.analysis.path


def analyse_property(
    path: str,
    text: str,
    session: Session,
    cancelled: Callable[[], bool],
    publish: Callable[[FileAnalysis], None],
) -> FileAnalysis:
    """Everything known of a property file; `publish` receives what is known without the network, then how far it is.

    Raises:
        Cancelled: the caller asked for it.
    """
    read = reading(path, text)
    if read.analysis.complete or session.text_alone or read.network is None or read.document.property is None:
        return read.analysis
    publish(read.analysis)
    return _decided(_Task(read, read.network, read.document.property), session, cancelled, publish)


def _decided(
    task: _Task, session: Session, cancelled: Callable[[], bool], publish: Callable[[FileAnalysis], None]
) -> FileAnalysis:
    try:
        key = _key(task)
        model = load_onnx(task.network.path)
        known = session.verified.get(key)
        result = known or verify(
            model, task.question, SHARE * session.seconds, cancelled, _Progress(task, publish)
        )
    except (OSError, OnnxError, PosingError) as error:
        return _undecidable(task, str(error))
    if result.verdict in ("sat", "unsat"):
        # Neither more time nor another search can change these.
        session.verified.put(key, result)
    return _answer(task, model, result)


def _key(task: _Task) -> bytes:
    """What the verdict depends on: the question, not its layout, and the network's bytes.

    Raises:
        OSError: the network cannot be read.
    """
    with open(task.network.path, "rb") as file:
        content = hashlib.sha256(file.read()).digest()
    return hashlib.sha256(content + repr(task.question).encode()).digest()


class _Progress:
    """Publishes how far the verdict is, now and then."""

    def __init__(self, task: _Task, publish: Callable[[FileAnalysis], None]) -> None:
        self._task = task
        self._publish = publish
        self._next = time.monotonic() + PROGRESS_SECONDS

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PROGRESS_SECONDS
        analysis = self._task.reading.analysis
        (unit,) = analysis.units
        reached = f"{share_below(progress.share)} shown, {progress.doing}"
        if progress.hardest:
            reached += f", hardest: {progress.hardest}"
        self._publish(replace(analysis, units=(replace(unit, reached=reached),)))


def _undecidable(task: _Task, reason: str) -> FileAnalysis:
    analysis = task.reading.analysis
    (unit,) = analysis.units
    found = misfit(task.path, task.network, reason)
    return replace(
        analysis,
        units=(replace(unit, failure=reason),),
        diagnostics=(*analysis.diagnostics, found),
        complete=True,
    )


def _answer(task: _Task, model: OnnxModel, result: Verification) -> FileAnalysis:
    analysis = task.reading.analysis
    (unit,) = analysis.units
    claim = claim_result(result, task.question)
    message = f"{os.path.basename(task.network.path)}: {claim.detail}"
    found = diagnostic(_CODES[claim.verdict], place(task.path, task.network), message)
    noted = [
        replace(misfit(task.path, task.network, note), severity=Severity.WARNING) for note in model.notes
    ]
    return replace(
        analysis,
        units=(replace(unit, claim=claim),),
        diagnostics=(*analysis.diagnostics, found, *noted),
        words=_with_elements(analysis.words, task.question, model),
        complete=True,
    )


def claim_result(result: Verification, question: Property) -> ClaimResult:
    """A verification as a claim's verdict. Nothing is proved without `unsat`, or refuted without an executed input."""
    example = result.counterexample
    if result.verdict == "unsat":
        verdict, evidence, detail = Verdict.PROVED, Evidence.ENGINE, result.message
    elif result.verdict == "sat" and example is not None:
        verdict, evidence = Verdict.REFUTED, Evidence.COUNTEREXAMPLE
        shown = _shown([question.input_name(i) for i in range(question.inputs)], example.x)
        gives = _shown([question.output_name(j) for j in range(question.outputs)], example.y)
        detail = f"{result.message}: {shown} gives {gives}"
    else:
        verdict, evidence, detail = Verdict.UNKNOWN, Evidence.NONE, result.message
    numbers: dict[str, object] | None = None
    if evidence is Evidence.COUNTEREXAMPLE and example is not None:
        numbers = {"X": [float(v) for v in example.x], "Y": [float(v) for v in example.y]}
    return ClaimResult(verdict, evidence, detail, None, numbers, result.seconds)


def _shown(names: Sequence[str], values: Sequence[Fraction]) -> str:
    """The first numbers of a point, shortened to what a person compares; the result has all of them in full."""
    pairs = [f"{n} ≈ {float(v):.6g}" for n, v in zip(names[:MAX_SHOWN], values, strict=False)]
    more = len(values) - len(pairs)
    return ", ".join(pairs) + (f", … ({more} more)" if more > 0 else "")


def _with_elements(words: dict[str, str], question: Property, model: OnnxModel) -> dict[str, str]:
    """What hovers say of variables, with the element of the network's tensor that each is."""
    found = dict(words)
    for values, name in ((model.inputs, question.input_name), (model.outputs, question.output_name)):
        number = 0
        for value in values:
            for index in range(math.prod(value.shape)):
                word = name(number)
                if word in found:
                    found[word] += f"\n\n{_element_text(value, index)}"
                number += 1
    return found


def _element_text(value: OnnxValue, index: int) -> str:
    return f"`{element_name(value.name, value.shape, index)}` in the ONNX file"
