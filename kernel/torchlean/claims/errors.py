"""What can be wrong with a domain, and the words for it.

Both sides that read domains say the same: the run time (`claims/plain.py`, which must not import torch) and
the analysis (`claims/domain.py`, which holds tensors). So the exception and the wording they share stand
alone here.
"""

from __future__ import annotations

from collections.abc import Iterable


class DomainError(ValueError):
    """A domain that makes no sense; the message says why."""


class ArgumentError(DomainError):
    """A wrong argument of a call that states a family; `argument` is its name, None where it is the call as a whole."""

    def __init__(self, message: str, argument: str | None = None) -> None:
        super().__init__(message)
        self.argument = argument


class UntrackedError(RuntimeError):
    """A derivative is asked for by a tensor that does not record what is computed from it."""


def unknown_argument(claim: str, argument: str, parameters: Iterable[str]) -> str:
    """The decorator gives a domain for an argument that the claim's function does not take."""
    names = ", ".join(f"`{name}`" for name in parameters)
    takes = f"it takes {names}" if names else "it takes none"
    return f"`{claim}` has no argument `{argument}` to give a domain to: {takes}"


def missing_domain(claim: str, argument: str) -> str:
    """The claim's function takes an argument that the decorator says nothing about."""
    return (
        f"argument `{argument}` of `{claim}` has no domain: "
        f"say where it ranges, such as `@tl.claim({argument}=tl.box(-1.0, 1.0))`"
    )


def no_inputs(claim: str) -> str:
    """The claim's function takes nothing, so there is nothing to quantify over."""
    return (
        f"`{claim}` takes no argument: a claim speaks about all inputs of a domain, so it needs at least one"
    )


ARITHMETICS = ("float32", "real")
"""What a claim may speak of: executions in the program's number types, or exact numbers."""


def bad_arithmetic(got: str) -> str:
    """The decorator names an arithmetic that there is not."""
    return (
        '`arithmetic` is "float32" for a claim about executions, which is the default, or "real" for one about exact '
        f"numbers, got {got}"
    )


def not_a_domain(argument: str, got: str) -> str:
    """The decorator's argument is something other than a box."""
    return f"`{argument}` needs a domain, `tl.box(lo, hi)` or `tl.ball(center, eps)`, got {got}"


RANGES = {
    "uint8": (0, 2**8 - 1),
    "int8": (-(2**7), 2**7 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**53), 2**53),
}
"""The least and the greatest number of torch's types of whole numbers, and of those that float64 holds exactly: ends of
domains are float64."""

DTYPES = (*RANGES, "float32", "float64")
"""The types that an input of a claim may have."""


DTYPE_OF_FILE = "the samples of a data file become the program's floating type: leave `dtype` out"


def bad_dtype(got: str) -> str:
    """The type of an input is none that tensors of numbers have."""
    return f"dtype must be a type of torch's numbers such as torch.uint8, got {got}"


def beyond_dtype(dtype: str, low: float, high: float) -> str:
    """A domain has numbers that its type of whole numbers does not hold."""
    least, greatest = RANGES[dtype]
    # The least and greatest of several zeros may be either of them: 0 is added so that none is written as -0.
    found = f"{low + 0.0:g} to {high + 0.0:g}"
    return f"a domain of torch.{dtype} goes from {least} to {greatest} at most, this one from {found}"


def no_whole_number(dtype: str, place: object, low: float, high: float) -> str:
    """No number of the type lies between two ends."""
    return f"empty: there is no torch.{dtype} between {low:g} and {high:g} at {place}"


def unbound_family(kind: str) -> str:
    """The call of a family of claims is not the value of a module-level name."""
    return f"tl.{kind} states claims under the name it is bound to: write `name = tl.{kind}(...)` at the top level"


def missing_data(name: str, path: str) -> str:
    """There is no such data file."""
    return f"data file `{name}` does not exist; looked for {path}"


def not_a_path(got: str) -> str:
    """What should name a data file is no path."""
    return f"`data` needs the path of a file with arrays `x` and `y`, got {got}"


def not_a_network(got: str) -> str:
    """What should score the classes cannot be called on a tensor."""
    return f"`net` needs a module or a function of a batch of samples, got {got}"


def no_tensor(argument: str, got: str) -> str:
    """A function that returns something else."""
    return f"`{argument}` must give a tensor, got {got}"


def not_scores(got: str, batch: tuple[int, ...]) -> str:
    """What a network makes of a batch of one sample is no row of scores."""
    return (
        f"the network returns {got} for a batch of one sample {batch}: it must return scores of shape (1, classes), "
        "of two classes at least"
    )


def no_variable() -> str:
    """`tl.D` was given nothing to differentiate by."""
    return "tl.D takes the variables to differentiate by: write tl.D(u, x), or tl.D(u, x, x) for a second derivative"


def not_differentiable(got: str) -> str:
    """`tl.D` was given something that has no derivative, or none can be taken by."""
    return f"tl.D takes floating tensors, a value and what it was computed from, got {got}"


def independent() -> str:
    """Nothing leads from the variable to the value, so that a derivative of zero is surely not meant."""
    return (
        "this value does not depend on the variable, so its derivative is zero everywhere: "
        "compute the value from the very tensor that tl.D is given"
    )


def untracked() -> str:
    """Nothing was recorded from the variable on."""
    return (
        "tl.D needs a variable that records what is computed from it: the inputs of a claim do; "
        "elsewhere call x.requires_grad_() before computing with it"
    )


def second_file(first: str, second: str) -> str:
    """Two arguments of a claim range over the samples of data files."""
    return f"`{first}` and `{second}` both range over the samples of a file: one argument of a claim may"
