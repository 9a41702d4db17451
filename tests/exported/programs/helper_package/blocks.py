"""Helpers that are looked up by name when the program runs."""

import functools
import operator

import torch

TABLE = {name: operator.attrgetter(name)(torch) for name in ("relu", "tanh")}


def activation(name):
    return TABLE[name]


def chained(parts):
    return functools.reduce(lambda f, g: lambda x: g(f(x)), parts)
