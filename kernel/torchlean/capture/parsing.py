"""Parsing files that are being typed: where the text is no Python, as much as possible around it is still read."""

from __future__ import annotations

import ast
import functools
import re
import warnings
from dataclasses import dataclass

from torchlean.capture.newer_grammar import remark

ATTEMPTS = 8
"""Broken places that are cut out of one file before its rest is given up."""

LINE_END = re.compile("\r\n|\n|\r")

STARTS_BLOCK = re.compile(r"(class|def|async|if|for|while|with|try|match|@)")


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """A syntax error: zero-based line, columns in code points.

    `too_deep`: Python's parser gave up at a line that is nested too deeply, which need not be wrong.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    message: str
    too_deep: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Parsed:
    """A tree, and what was wrong.

    Attributes:
        errors: the syntax error that Python reports for the text as it is, if any.
        doubtful: names that the parts that were cut out may define.
    """

    tree: ast.Module
    errors: tuple[SyntaxProblem, ...] = ()
    doubtful: frozenset[str] = frozenset()


PRIVATE = re.compile(r"\b__[^\W\d]\w*(?<!__)\b")
"""A name that a class keeps for itself: `__name`."""


def rename_private(node: ast.AST, owner: str) -> None:
    """`self.__k` in `class A` is `self._A__k`, as in Python. Definitions keep their name for the outline."""
    stack = [(node, owner)]
    while stack:
        node, owner = stack.pop()
        if isinstance(node, ast.ClassDef):
            owner = node.name.lstrip("_")
        for child in ast.iter_child_nodes(node):
            stack.append((child, owner))
        field = "attr" if isinstance(node, ast.Attribute) else "id" if isinstance(node, ast.Name) else ""
        if owner and field and PRIVATE.fullmatch(getattr(node, field)):
            setattr(node, field, f"_{owner}{getattr(node, field)}")
        elif (
            owner
            and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            and PRIVATE.fullmatch(node.name)
        ):
            node.torchlean_private = f"_{owner}{node.name}"  # type: ignore[union-attr] # what it is stored as


# The files of a workspace around the one being typed, and of a library of models that it imports: reading these again
# would be a quarter of following them. A tree is about half a megabyte.
@functools.lru_cache(maxsize=512)
def parse(text: str) -> Parsed:
    """The tree of a text, without the statements that are no Python.

    Lines keep their numbers: what is cut out is replaced by empty lines.
    """
    tree = _parsed(text)
    if isinstance(tree, ast.Module):
        if PRIVATE.search(text):
            rename_private(tree, "")
        return Parsed(tree)
    lines = LINE_END.split(text)
    first, problem = tree, tree
    doubtful: set[str] = set()
    for _ in range(ATTEMPTS):
        removed = _cut(lines, problem)
        if not removed:
            break
        doubtful.update(re.findall(r"\w+", removed))
        attempt = _parsed("\n".join(lines))
        if isinstance(attempt, ast.Module):
            return Parsed(attempt, (first,), frozenset(doubtful))
        problem = attempt
    return Parsed(ast.Module(body=[], type_ignores=[]), (first,), frozenset(re.findall(r"\w+", text)))


def syntax_tree(text: str) -> ast.Module:
    """Python's tree of a text, in silence: invalid escapes and the like are the linter's business.

    (From Python 3.12 on they are shown where nobody asked for silence.)

    Raises:
        SyntaxError, ValueError: the text is no Python.
        RecursionError, MemoryError: it is nested too deeply.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _parsed(text: str) -> ast.Module | SyntaxProblem:
    try:
        return syntax_tree(text)
    except SyntaxError as error:
        return _problem(error, text)
    except (RecursionError, MemoryError):
        return _deepest(text)
    except (ValueError, OverflowError) as error:
        return SyntaxProblem(0, 0, 0, 0, str(error) or "the file cannot be parsed")


def _deepest(text: str) -> SyntaxProblem:
    """The parser does not say where it gave up: the longest line is what people would look at."""
    lines = LINE_END.split(text)
    line = max(range(len(lines)), key=lambda number: len(lines[number]))
    message = "not analysed: this line is nested too deeply for Python's parser"
    return SyntaxProblem(line, 0, line, len(lines[line]), message, too_deep=True)


def _problem(error: SyntaxError, text: str) -> SyntaxProblem:
    line, column = max((error.lineno or 1) - 1, 0), max((error.offset or 1) - 1, 0)
    end_line = max((error.end_lineno or 0) - 1, line)
    end_column = max((error.end_offset or 0) - 1, column + 1 if end_line == line else 0)
    message = error.msg or "invalid syntax"
    lines = LINE_END.split(text)
    message += remark(lines[min(line, len(lines) - 1)], column, message)
    return SyntaxProblem(line, column, end_line, end_column, message)


def _cut(lines: list[str], problem: SyntaxProblem) -> str:
    """Blank the statement around the problem; the whole top-level block when that was done before.

    Returns what was removed, empty where there is nothing left to remove.
    """
    line = min(problem.line, len(lines) - 1)
    while line > 0 and not lines[line].strip():
        line -= 1
    if lines[line].strip():
        removed = lines[line]
        if _is_header(removed) or _unbalanced(lines, line):
            return _cut_block(lines, line)
        # A `pass` keeps the block around it non-empty.
        lines[line] = _indent(removed) + "pass"
        if removed.strip() != "pass":
            return removed
    return _cut_block(lines, line)


def _is_header(line: str) -> bool:
    return bool(STARTS_BLOCK.match(line.strip()))


def _unbalanced(lines: list[str], line: int) -> bool:
    """Whether brackets are open in the line: the statement goes on below, or began above."""
    text = lines[line]
    return (
        any(text.count(a) != text.count(b) for a, b in ("()", "[]", "{}")) or '"""' in text or "'''" in text
    )


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _cut_block(lines: list[str], line: int) -> str:
    """Blank the top-level block that contains the line."""
    start = line
    while start > 0 and not _begins_top_level(lines[start]):
        start -= 1
    while start > 0 and lines[start - 1].startswith("@"):
        start -= 1
    end = line + 1
    while end < len(lines) and not _begins_top_level(lines[end]):
        end += 1
    removed = "\n".join(lines[start:end])
    lines[start:end] = [""] * (end - start)
    return removed.strip()


def _begins_top_level(line: str) -> bool:
    return bool(line.strip()) and line[0] not in " \t#)]}"
