"""`torchlean`: what composes conditions. `claims/logic.py` is the same at run time."""

import torch

from torchlean.capture.intrinsics import fail


def implies(premise, conclusion):
    _check("implies", "premise", premise)
    _check("implies", "conclusion", conclusion)
    if isinstance(premise, bool):
        return conclusion if premise else True
    return ~premise | conclusion


def all(condition):
    _check("all", "condition", condition)
    return condition if isinstance(condition, bool) else condition.all()


def any(condition):
    _check("any", "condition", condition)
    return condition if isinstance(condition, bool) else condition.any()


def _check(function, name, value):
    if isinstance(value, bool) or (isinstance(value, torch.Tensor) and value.dtype == torch.bool):
        return
    got = f"a {value.dtype} tensor" if isinstance(value, torch.Tensor) else f"a {type(value).__name__}"
    message = f"tl.{function}: the {name} must be a bool or a bool tensor, such as `x > 0`, got {got}"
    fail("TL103", TypeError, message)
