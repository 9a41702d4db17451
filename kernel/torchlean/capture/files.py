"""Files that a program opens and hands to a reader: `pickle.load(open("scaler.pkl", "rb"))`, `json.load(file)`.

A file object is an ordinary instance (`stubs/torchlean_files.py`) that knows its path as long as nothing was read from
it, so that branches, loops and functions treat it like every other object. Nothing is opened before a reader that is
followed asks for it. Unlike weights, whose absence is a mistake, files of other kinds are mostly data that exists only
where the program runs: what cannot be read is unknown, for a reason, and no error.

Importing this module registers the natives.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from torchlean.capture.attributes import attribute
from torchlean.capture.builtin_functions import builtin
from torchlean.capture.calling import call
from torchlean.capture.loading import is_file, opened_path
from torchlean.capture.pickles import PickleError, read_pickle
from torchlean.capture.scalers import followed, small_file
from torchlean.capture.stub_modules import stub_module
from torchlean.capture.values import Unknown, Value, native

if TYPE_CHECKING:
    from torchlean.capture.interpreter import Interpreter

READING = {"rb": True, "r": False, "rt": False}
"""Modes in which a file is followed, and whether they give bytes."""


@builtin("open")
def _open(run: Interpreter, file: Value = None, mode: Value = "r", *options: Value, **named: Value) -> Value:
    if not isinstance(file, (str, os.PathLike)) or mode not in READING:
        return Unknown("the built-in `open` is not followed", run.place())
    if not READING[mode] and not os.fspath(file).endswith(".json"):
        return Unknown("what a file of text holds is known when the program runs", run.place())
    module = stub_module("torchlean.files")
    assert module is not None
    return call(run, attribute(run, module, "OpenFile"), [os.fspath(file)], {})


@native("pickle.load", unknowns=True)
def pickle_load(run: Interpreter, file: Value = None, **options: Value) -> Value:
    """What `pickle.dump` wrote: a scaler, arrays, and containers of them."""
    try:
        return followed(run, read_pickle(_content(run, file)))
    except PickleError as error:
        return _unread("pickle.load", str(error))


@native("json.load", unknowns=True)
def json_load(run: Interpreter, fp: Value = None, **options: Value) -> Value:
    """Numbers, texts and containers of them, such as the sizes of a network."""
    if options:
        return _unread("json.load", "is read with options")
    try:
        return followed(run, json.loads(_content(run, fp)))
    except PickleError as error:
        return _unread("json.load", str(error))
    except (ValueError, RecursionError) as error:
        return _unread("json.load", f"is no JSON: {error}")


def _content(run: Interpreter, file: Value) -> bytes:
    """All of an opened file.

    Raises:
        PickleError: it is not known which file, or from where, or it cannot be read.
    """
    path = opened_path(run, file) if is_file(file) else None
    if path is None:
        raise PickleError("is not known")
    return small_file(run, path)


def _unread(function: str, why: str) -> Unknown:
    return Unknown(f"the file of `{function}` {why}")
