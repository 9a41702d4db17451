"""What code that is not followed may do to the containers it gets: `somewhere.fill(items)` may change the list.

Packages that only look at what they get are listed; a file that any of them gets may be read. What such code may do to
weights stands in `forgetting`. Tensors that are no weights are taken to stay as they are: what draws, logs or converts
them is everywhere, and what changes them in place from outside of torch is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torchlean.capture.tables import words
from torchlean.capture.values import Unknown, Value, contains_unknown

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

LOOKS_ONLY = words(
    """torch matplotlib seaborn plotly PIL cv2 imageio numpy scipy sklearn pandas tqdm rich click wandb tensorboard
    mlflow torchinfo torchsummary torchview torchviz netron onnx json yaml pickle csv pprint inspect logging warnings
    argparse time datetime random os sys io re string textwrap statistics types typing"""
)
"""Packages whose functions do not change the lists and dictionaries that they get."""


def may_change(run: Interpreter, callee: Unknown, given: list[Value]) -> None:
    """A function that is not followed was called: what is in the containers that it got is unknown."""
    from torchlean.capture.loading import is_file, opened_path

    for file in filter(is_file, given):
        opened_path(run, file)  # may have read from it
    if callee.source.partition(".")[0] in LOOKS_ONLY:
        return
    for value in given:
        if isinstance(value, (list, dict, set)):
            name = run.label() or "a call"
            run.taint(value, Unknown(f"`{name}` may have changed it, and is not followed", run.place()))


def silenced(value: Value) -> Value:
    """An unknown, also inside of a list or tuple, that is not reported where it enters a computation."""
    if isinstance(value, Unknown):
        return Unknown(value.reason, value.span, reported=True, source=value.source)
    if type(value) in (list, tuple) and contains_unknown(value) is not None:
        return type(value)(silenced(item) for item in value)
    return value
