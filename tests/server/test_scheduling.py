"""When an edited document is analysed, over simulated time."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from torchlean_server.scheduling import CALM, MAX_WAIT, QUIET_MAX, Pacer

LIMIT = 0.3
"""Seconds within which the last edit's result should come."""


def simulate(edits: list[float], duration: float) -> list[tuple[float, int]]:
    """Start times of the analyses, each with the number of edits it has seen, when each takes `duration` seconds."""
    pacer = Pacer()
    starts: list[tuple[float, int]] = []
    finish: float | None = None
    seen, now, pending = 0, 0.0, False
    waiting = sorted(edits)
    while waiting or pending or finish is not None:
        due = now + pacer.wait(now, finish is not None) if pending else None
        now = min(t for t in (waiting[0] if waiting else None, due, finish) if t is not None)
        if waiting and now == waiting[0]:
            waiting.pop(0)
            pacer.edited(now)
            seen, pending = seen + 1, True
        elif finish is not None and now == finish:
            finish = None
            pacer.finished(duration)
        else:
            pacer.started()
            starts.append((now, seen))
            finish, pending = now + duration, False
    return starts


def burst(count: int, gap: float) -> list[float]:
    return [index * gap for index in range(count)]


def test_a_single_edit_is_analysed_at_once() -> None:
    assert simulate([5.0], 0.01) == [(5.0, 1)]


def test_a_hundred_edits_in_two_seconds_start_three_analyses() -> None:
    starts = simulate(burst(100, 0.02), 0.02)
    assert len(starts) == 3
    assert starts[0] == (0.0, 1)
    assert starts[-1][1] == 100


def test_edits_at_typing_speed_are_each_analysed_at_once_when_that_is_quick() -> None:
    edits = burst(10, 0.15)
    assert simulate(edits, 0.02) == [(time, index + 1) for index, time in enumerate(edits)]


def test_a_slow_analysis_is_not_overtaken_in_the_middle_of_a_burst() -> None:
    starts = simulate(burst(100, 0.02), 5.0)
    assert [seen for _, seen in starts] == [1, 100]


def test_long_typing_is_answered_now_and_then() -> None:
    starts = [time for time, _ in simulate(burst(500, 0.02), 0.02)]
    assert max(later - earlier for earlier, later in itertools.pairwise(starts)) <= MAX_WAIT + 0.05


@settings(deadline=None)
@given(
    st.lists(st.floats(0.0, 4.0), min_size=1, max_size=60),
    st.floats(0.001, 3.0),
)
def test_the_last_edit_is_always_analysed_and_soon(edits: list[float], duration: float) -> None:
    starts = simulate(edits, duration)
    time, seen = starts[-1]
    assert seen == len(edits)
    assert time <= max(edits) + QUIET_MAX + 1e-9
    assert QUIET_MAX < LIMIT / 2


@settings(deadline=None)
@given(st.integers(1, 200), st.floats(0.001, CALM * 0.9))
def test_a_burst_never_starts_more_than_its_ends_and_one_a_second(count: int, gap: float) -> None:
    # Quick edits, quick analyses: the gap stays below the pause, so only `MAX_WAIT` starts any in the middle.
    starts = simulate(burst(count, min(gap, 0.029)), 0.001)
    assert len(starts) <= 2 + count * gap / MAX_WAIT
