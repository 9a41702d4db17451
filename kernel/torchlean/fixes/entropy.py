"""Whole losses written by hand, and torch's functions for them that work on logits."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from torchlean.fixes.matching import Matcher, factors, negated, terms
from torchlean.fixes.rewrite import Rewrite


def binary_cross_entropy(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`-(y * log(p) + (1 - y) * log(1 - p))` with `p = sigmoid(z)`, with or without a mean or sum around."""
    sign, inner, reduction = _reduced(match, node)
    pair = _two_sided(match, inner, sign)
    if pair is None:
        return
    logits, target = (match.source(part) for part in pair)
    reduced = "" if reduction == "mean" else f', reduction="{reduction}"'
    call = f"{match.file.functional}.binary_cross_entropy_with_logits({logits}, {target}{reduced})"
    yield Rewrite(node, call, "Use binary_cross_entropy_with_logits")


def binary_cross_entropy_of_sigmoid(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`F.binary_cross_entropy(sigmoid(z), y)`."""
    call = match.call(node, "binary_cross_entropy")
    logits = None if call is None or len(call.rest) > 1 else match.plain(call.operand, "sigmoid")
    if call is None or logits is None or set(call.keywords) - {"target", "weight", "reduction"}:
        return
    source = match.source
    given = [source(logits), *(source(a) for a in call.rest)]
    given += [f"{name}={source(a)}" for name, a in call.keywords.items()]
    text = f"{match.file.functional}.binary_cross_entropy_with_logits({', '.join(given)})"
    yield Rewrite(node, text, "Use binary_cross_entropy_with_logits")


def cross_entropy(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`-(y * log(softmax(z, 1))).sum(1).mean()` with rows of targets, and `-log(softmax(z, 1)).gather(1, i).mean()`."""
    sign, inner, reduction = _reduced(match, node)
    if reduction != "mean":
        return
    source, functional = match.source, match.file.functional
    if sign < 0 and (indexed := _gathered(match, inner)) is not None:
        logits, index = (source(part) for part in indexed)
        yield Rewrite(node, f"{functional}.cross_entropy({logits}, {index})", "Use cross_entropy")
    soft = _soft_targets(match, inner, sign)
    if soft is not None:
        logits, target = (source(part) for part in soft)
        yield Rewrite(node, f"{functional}.cross_entropy({logits}, {target})", "Use cross_entropy")


def negative_log_likelihood(match: Matcher, node: ast.expr) -> Iterator[Rewrite]:
    """`F.nll_loss(log(softmax(z, 1)), y)`."""
    call = match.call(node, "nll_loss")
    if call is None or len(call.rest) > 1:
        return
    logits = _logits_of_log(match, call.operand)
    if logits is None:
        return
    source = match.source
    given = [source(logits), *(source(a) for a in call.rest)]
    given += [f"{name}={source(a)}" for name, a in call.keywords.items()]
    yield Rewrite(node, f"{match.file.functional}.cross_entropy({', '.join(given)})", "Use cross_entropy")


def _reduced(match: Matcher, node: ast.expr) -> tuple[int, ast.expr, str]:
    """(sign, what is reduced, `mean`, `sum` or `none`) of an expression with a mean or sum over everything around."""
    sign = 1
    reduction = "none"
    while True:
        inner = negated(node)
        if inner is not None:
            sign, node = -sign, inner
            continue
        call = match.call(node, "mean", "sum") if reduction == "none" else None
        if call is None or not call.plain or call.node is not node:
            return sign, node, reduction
        reduction, node = call.name, call.operand


def _two_sided(match: Matcher, node: ast.expr, sign: int) -> tuple[ast.expr, ast.expr] | None:
    """(logits, target) of `y * log(p) + (1 - y) * log(1 - p)`, negative in all."""
    parts = list(terms(match.resolve(node), sign))
    if len(parts) != 2 or any(s > 0 for s, _ in parts):
        return None
    positive = negative = None
    for _, part in parts:
        for factor, other in _pairs(part):
            inside = match.plain(factor, "log")
            if inside is None:
                continue
            inside = match.without_epsilon(inside)
            complement = match.complement(inside)
            if complement is not None and match.complement(other) is not None:
                negative = (match.plain(complement, "sigmoid"), match.complement(other))
            elif match.plain(inside, "sigmoid") is not None:
                positive = (match.plain(inside, "sigmoid"), other)
    if positive is None or negative is None:
        return None
    (logits, target), (other_logits, other_target) = positive, negative
    if logits is None or other_logits is None or other_target is None:
        return None
    agree = match.same(logits, other_logits) and match.same(target, other_target)
    return (logits, target) if agree else None


def _pairs(product: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    """The two factors of a product, in both orders."""
    found = factors(product)
    return [(found[0], found[1]), (found[1], found[0])] if len(found) == 2 else []


def _logits_of_log(match: Matcher, node: ast.expr) -> ast.expr | None:
    """`z` of `log(softmax(z, dim=1))`: the dimension that torch's cross entropy takes for the classes."""
    inside = match.plain(node, "log")
    call = None if inside is None else match.call(match.without_epsilon(inside), "softmax")
    dim = None if call is None else call.argument(0, "dim")
    if call is None or not (isinstance(dim, ast.Constant) and dim.value == 1):
        return None
    return call.operand


def _gathered(match: Matcher, node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """(logits, class indices) of `log(softmax(z, 1)).gather(1, y.unsqueeze(1))`, `y.view(-1, 1)` alike."""
    call = match.call(node, "gather")
    if call is None or len(call.rest) != 2 or call.keywords:
        return None
    dim, index = call.rest
    logits = _logits_of_log(match, call.operand)
    column = match.call(index, "unsqueeze", "view")
    one = isinstance(dim, ast.Constant) and dim.value == 1
    if logits is None or column is None or not one or column.keywords:
        return None
    shape = [ast.unparse(a) for a in column.rest]
    is_column = shape == (["1"] if column.name == "unsqueeze" else ["-1", "1"])
    return (logits, column.operand) if is_column else None


def _soft_targets(match: Matcher, node: ast.expr, sign: int) -> tuple[ast.expr, ast.expr] | None:
    """(logits, target distribution) of `(y * log(softmax(z, 1))).sum(dim=1)`, negative in all."""
    inner = negated(match.resolve(node))
    if inner is not None:
        return _soft_targets(match, inner, -sign)
    call = match.call(node, "sum")
    dim = None if call is None else call.argument(0, "dim", "axis")
    if call is None or not (isinstance(dim, ast.Constant) and dim.value == 1) or "keepdim" in call.keywords:
        return None
    ((s, product), *more) = list(terms(match.resolve(call.operand), sign))
    if more or s > 0:
        return None
    for factor, other in _pairs(product):
        logits = _logits_of_log(match, factor)
        if logits is not None:
            return logits, other
    return None
