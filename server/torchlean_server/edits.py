"""What became of places in a text after edits: a `Delta` maps offsets of an old text to offsets of a newer one.

A delta is kept as the few disjoint regions that differ, not as a list of edits, so a long typing session in one place
stays one region and a look-up is a binary search. Results of an older analysis move with the text through it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hunk:
    """`old[old_start:old_end]` was replaced by `new[new_start:new_end]`."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


@dataclass(frozen=True, slots=True)
class Delta:
    """The difference between two versions of a text, as disjoint hunks in order with unchanged text between them."""

    hunks: tuple[Hunk, ...] = ()

    def then(self, start: int, end: int, length: int) -> Delta:
        """This delta followed by one edit: `new[start:end]` is replaced by `length` characters."""
        before = [hunk for hunk in self.hunks if hunk.new_end < start]
        touched = [hunk for hunk in self.hunks if hunk.new_end >= start and hunk.new_start <= end]
        after = self.hunks[len(before) + len(touched) :]
        shift = length - (end - start)
        moved = tuple(
            Hunk(hunk.old_start, hunk.old_end, hunk.new_start + shift, hunk.new_end + shift) for hunk in after
        )
        merged = _merge(before, touched, start, end, shift)
        # An edit that was taken back leaves nothing behind.
        middle = (
            () if merged.old_start == merged.old_end and merged.new_start == merged.new_end else (merged,)
        )
        return Delta((*before, *middle, *moved))

    def forward(self, start: int, end: int) -> tuple[int, int] | None:
        """Where the old range `[start, end)` is now, or None when an edit reached into it.

        Insertions exactly at its ends stay outside of it.
        """
        index = bisect_right(self.hunks, start, key=lambda hunk: hunk.old_start)
        shift = 0
        if index:
            last = self.hunks[index - 1]
            if last.old_end > start and end > start:
                return None
            if last.old_start < start < last.old_end:
                return None
            if last.old_end <= start:
                shift = last.new_end - last.old_end
            else:
                # An empty range exactly where a replaced region starts: it stays in front of it.
                shift = last.new_start - last.old_start
        if index < len(self.hunks) and self.hunks[index].old_start < end:
            return None
        return start + shift, end + shift

    def backward(self, offset: int) -> int | None:
        """The old offset of the character that is now at `offset`, or None when it was not there."""
        index = bisect_right(self.hunks, offset, key=lambda hunk: hunk.new_start)
        if not index:
            return offset
        last = self.hunks[index - 1]
        if offset < last.new_end:
            return None
        return offset - last.new_end + last.old_end


def _merge(before: list[Hunk], touched: list[Hunk], start: int, end: int, shift: int) -> Hunk:
    """One hunk for an edit of `new[start:end]` and all earlier hunks that it touches."""
    drift = before[-1].new_end - before[-1].old_end if before else 0
    if not touched:
        return Hunk(start - drift, end - drift, start, end + shift)
    first, last = touched[0], touched[-1]
    old_start = min(first.old_start, first.old_start - (first.new_start - start))
    old_end = max(last.old_end, last.old_end + (end - last.new_end))
    return Hunk(old_start, old_end, min(first.new_start, start), max(last.new_end, end) + shift)


def replacement(old: str, new: str) -> tuple[int, int, str]:
    """The smallest single edit `(start, end, text)` that turns `old` into `new`, for clients that send whole texts."""
    limit = min(len(old), len(new))
    start = _common(old, new, limit)
    tail = _common(old[::-1], new[::-1], limit - start)
    return start, len(old) - tail, new[start : len(new) - tail]


def _common(left: str, right: str, limit: int) -> int:
    """Length of the common prefix, at most `limit`; by halving, since comparing slices is much faster than a loop."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
