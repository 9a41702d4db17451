"""Certificates of proved claims, as a question of its own: the verdict is out before anybody plans a proof for Lean.

What the question needs of the analysis (capture, bounds, decisions) comes from the session's content-addressed
stores, or is computed again. A plan is for the content of a claim (its `key`), not for the text around it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from torchlean.analysis.pipeline import decided
from torchlean.analysis.result import Certificate, NotCheckable, Plan, Verdict
from torchlean.analysis.session import Session
from torchlean.analysis.units import UnitBounds, bound_unit, fully_bounded, unit_graph
from torchlean.cancellation import Cancelled
from torchlean.capture import capture_file
from torchlean.capture.result import Capture, Unit, UnitKind
from torchlean.certificate import (
    Certified,
    NotCheckableError,
    NotPlannableError,
    certify,
    digest,
)


def certificates(
    path: str,
    text: str,
    names: Sequence[str],
    session: Session,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Plan, ...]:
    """What the Lean kernel is to be asked about the proved ones of these claims.

    Args:
        path, text, session, cancelled: as for `analyse`.
        names: of claims; those that are not proved claims of this text are left out.

    Raises:
        Cancelled: the caller asked for it.
    """
    return tuple(plan for plan, _ in certified(path, text, names, session, cancelled))


def certified(
    path: str,
    text: str,
    names: Sequence[str] | None,
    session: Session,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[tuple[Plan, Certified | None]]:
    """The same with the certificates themselves, in the file's order.

    Args:
        names: None for all claims.

    Raises:
        Cancelled: the caller asked for it.
    """
    path = os.path.abspath(path)
    capture = capture_file(path, text, session.workspace, cancelled)
    found = []
    for unit in capture.units:
        if unit.kind is UnitKind.CLAIM and (names is None or unit.name in names):
            answer = _of_claim(capture, unit, text, session, cancelled)
            if answer is not None:
                found.append(answer)
    return found


def _of_claim(
    capture: Capture, unit: Unit, text: str, session: Session, cancelled: Callable[[], bool]
) -> tuple[Plan, Certified | None] | None:
    """None where it is not proved."""
    name = unit.name
    bounded = fully_bounded(
        bound_unit(unit_graph(capture, unit), session.bounds, cancelled), session, cancelled
    )
    claim = decided(bounded, session, cancelled)
    if claim is None or bounded.question is None or claim.verdict is not Verdict.PROVED:
        return None
    key = bounded.question.key.hex()
    remembered = session.planned(bounded.question.key, name)
    if remembered is None:
        remembered = _planned(bounded, name, text, cancelled)
        if not (isinstance(remembered, NotCheckable) and remembered.passing):
            session.remember_plan(bounded.question.key, name, remembered)
    if isinstance(remembered, NotCheckable):
        return Plan(name, key, remembered), None
    # Comments may have changed since: the certificate is for the content, its document names the file of now.
    remembered = replace(remembered, document=replace(remembered.document, file=digest(text)))
    source = remembered.document.lean
    theorem = remembered.document.main
    return Plan(name, key, Certificate(digest(source), source, theorem, remembered.states)), remembered


def _planned(
    bounded: UnitBounds, name: str, text: str, cancelled: Callable[[], bool]
) -> Certified | NotCheckable:
    def stop() -> None:
        if cancelled():
            raise Cancelled

    assert bounded.question is not None
    try:
        return certify(name, bounded.question, len(bounded.part.graph), text, stop)
    except NotCheckableError as error:
        return NotCheckable(str(error))
    except NotPlannableError as error:
        return NotCheckable(str(error), passing=error.passing)
