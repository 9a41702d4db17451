"""What a verification found, as a JSON document that another program can check leaf by leaf.

The document names the model and the property by the hashes of their files, and for each region of the property holds
the tree of splits with a bound for each node (`torchlean.bounds.branching.tree`): node `i` is a leaf where `first[i]`
is -1; else it was cut at `at[i]` along input `variable[i]` into nodes `first[i]` (below) and `first[i] + 1` (above).
The root is the region's box, rounded outward to float64; bounds are lower bounds of the worst margin on the node's
part.
`docs/verify.md` states the schema.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from torchlean.bounds.branching.tree import SplitTree
from torchlean.verification.result import Verification
from torchlean.writing import write_whole

FORMAT = "torchlean-split-tree"
VERSION = 1


def record(verification: Verification, model: str, property: str) -> dict[str, Any]:
    """The document.

    Args:
        model, property: digests of the files, taken before they were read for the verification.
    """
    found = verification.counterexample
    return {
        "format": FORMAT,
        "version": VERSION,
        "model": {"sha256": model},
        "property": {"sha256": property},
        "verdict": verification.verdict,
        "regions": [_region(tree) for tree in verification.trees],
        "counterexample": None
        if found is None
        else {"x": [str(value) for value in found.x], "y": [str(value) for value in found.y]},
    }


def _region(tree: SplitTree) -> dict[str, Any]:
    return {
        "first": tree.first.tolist(),
        "variable": tree.variable.tolist(),
        "at": tree.at.tolist(),
        # JSON has no infinity: a node without a bound has none.
        "bound": [value if math.isfinite(value) else None for value in tree.bounds],
    }


class RecordError(Exception):
    """A document cannot be gone on from; for people."""


def load(path: Path, model: str, property: str) -> tuple[SplitTree, ...]:
    """How the regions were cut in an earlier run. Nothing else in the document is read: it is no proof.

    Args:
        model, property: digests of the files that are to be verified now.

    Raises:
        RecordError: no document of this kind, or one of other files.
        OSError: it cannot be read.
    """
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path}: no JSON document ({error})") from error
    if not isinstance(found, dict) or (found.get("format"), found.get("version")) != (FORMAT, VERSION):
        raise RecordError(f"{path}: no tree of splits that this version writes")
    for name, now in (("model", model), ("property", property)):
        if found.get(name) != {"sha256": now}:
            raise RecordError(f"{path}: written for another {name}")
    regions = found.get("regions")
    if not isinstance(regions, list):
        raise RecordError(f"{path}: no list of regions")
    return tuple(_cuts(region, f"{path}: region {index}") for index, region in enumerate(regions))


def _cuts(region: object, where: str) -> SplitTree:
    first, variable = (_whole(region, name, where) for name in ("first", "variable"))
    try:
        return SplitTree.of_cuts(first, variable)
    except (ValueError, OverflowError) as error:
        raise RecordError(f"{where}: no tree ({error})") from error


def _whole(region: object, name: str, where: str) -> list[int]:
    found = region.get(name) if isinstance(region, dict) else None
    if not isinstance(found, list) or not all(type(number) is int for number in found):
        raise RecordError(f"{where}: `{name}` is no list of whole numbers")
    return found


def digest(path: Path) -> str:
    """A file's SHA-256, in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save(path: Path, document: dict[str, Any]) -> None:
    """Write the document; another process sees the old file or the whole new one, never a part.

    Raises:
        OSError: it cannot be written; an old file is then as it was.
    """
    write_whole(path, json.dumps(document, allow_nan=False))
