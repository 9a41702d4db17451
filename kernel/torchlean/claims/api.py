"""What a user's file calls: `tl.claim` and `tl.load`, as ordinary objects of the run time.

The analysis reads these calls in the source and never runs them. Running the file must still mean the same
thing, so that what a person tests is what the tool proves: a claim stays callable on tensors, and weights are
found from the folder of the file that asks for them. torch is imported only when a claim is sampled or
weights are loaded.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Generic, ParamSpec, TypeVar

from torchlean.claims.errors import (
    ARITHMETICS,
    DomainError,
    UntrackedError,
    bad_arithmetic,
    missing_domain,
    no_inputs,
    not_a_domain,
    second_file,
    unknown_argument,
)
from torchlean.claims.plain import Domain, Regions

if TYPE_CHECKING:
    from torch import Tensor, nn

    from torchlean.claims.robustness import Robust
    from torchlean.claims.sampling import Sample

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
ModuleType = TypeVar("ModuleType", bound="nn.Module")


class Claim(Generic[Arguments, Result]):
    """A function over tensors and the domains of its arguments: for all inputs in them, it returns true.

    Made by `claim`. Calling it runs the function on the tensors given, inside the domain or not, and returns
    what the function returns. `__name__`, `__doc__` and `__wrapped__` are the function's.

    Attributes:
        domains: the domain of each argument, by name.
        arithmetic: what it speaks of, `"float32"` or `"real"`.
    """

    def __init__(
        self,
        function: Callable[Arguments, Result],
        domains: Mapping[str, Domain | Regions],
        arithmetic: str = "float32",
    ) -> None:
        functools.update_wrapper(self, function)
        self.domains = domains
        self.arithmetic = arithmetic
        self._function = function

    def __call__(self, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        try:
            return self._function(*args, **kwargs)
        except UntrackedError:
            from torchlean.claims.autograd import tracked

            result: Result = tracked(self._function, *args, **kwargs)
            return result

    def __repr__(self) -> str:
        inputs = ", ".join(f"{name}={domain!r}" for name, domain in self.domains.items())
        return f"<claim {_name(self._function)}({inputs})>"

    def sample(self, n: int = 1000, seed: int | None = None) -> Sample:
        """Look for a violation by running the claim on `n` binary32 inputs inside the domain.

        The inputs are the middle of the domain, its corners, points on its faces and points drawn uniformly.
        Finding a violation refutes the claim; finding none proves nothing, since nearly all inputs were not
        tried.

        Args:
            n: how many inputs to try, at least 1.
            seed: of the drawing; the result names the one used, so a run can be repeated.

        Returns:
            A `Sample`: `violations` with their inputs, `violated`, `tried`, `seed`.

        Raises:
            DomainError: the domain contains no binary32 input.
            TypeError: the claim returned something other than a bool or a bool tensor.
            ValueError: `n` is below 1.

        Example:
            >>> import torchlean as tl
            >>> @tl.claim(x=tl.box(-1.0, 1.0))
            ... def is_positive(x):
            ...     return x > 0
            >>> is_positive.sample(100, seed=0).violated > 0
            True
        """
        from torchlean.claims.sampling import sample

        return sample(self, self.domains, n, seed)


def claim(
    *,
    arithmetic: str = "float32",
    **domains: Domain | Regions,
) -> Callable[[Callable[Arguments, Result]], Claim[Arguments, Result]]:
    """Decorate a function over tensors as a claim: for all inputs in these domains, it returns true.

    Args:
        arithmetic: `"float32"` for a claim about every execution of the program in its number types, whatever the
            order of its sums; `"real"` for one about exact numbers. It changes what is proved, not what runs.
        domains: one `box` or `ball` per argument of the function, by name; an argument with a default may go
            without.

    Raises:
        DomainError: a name that is not an argument, an argument without a domain, a value that is none, or another
            arithmetic.

    Example:
        >>> import torchlean as tl
        >>> @tl.claim(x=tl.box([-1.0, -1.0], [1.0, 1.0]))
        ... def has_norm_below_two(x):
        ...     return (x * x).sum() <= 2.0
        >>> has_norm_below_two
        <claim has_norm_below_two(x=box([-1.0, -1.0], [1.0, 1.0]))>
    """

    if arithmetic not in ARITHMETICS:
        raise DomainError(bad_arithmetic(repr(arithmetic)))

    def decorate(function: Callable[Arguments, Result]) -> Claim[Arguments, Result]:
        _check_arguments(function, domains)
        return Claim(function, domains, arithmetic)

    return decorate


def D(u: Tensor, *variables: Tensor) -> Tensor:
    """The derivative of `u` by `x`, computed by autograd; more variables are derivatives of derivatives.

    `D(u, x)` is the gradient of the sum of `u`, with the shape of `x`: for a `u` of one number its gradient; where
    element `i` of `u` depends on element `i` of `x` alone, each element's own derivative. `D(u, x, t)` is
    `D(D(u, x), t)`: derivatives of a higher order are sums over the elements of the lower one, so mixed derivatives
    of a function of several coordinates are taken by giving each coordinate a tensor of its own.

    Args:
        u: a floating tensor, computed from the variables.
        variables: inputs of the claim, or values on the way from them to `u`.

    Returns:
        A tensor with the shape of the last variable. Where a derivative does not depend on a further variable the next
        one is zero.

    Raises:
        TypeError: no variable, or something that is not a floating tensor.
        ValueError: `u` does not depend on the first variable.
        RuntimeError: a variable does not record what is computed from it. The inputs of a claim do when the claim is
            called; elsewhere call `x.requires_grad_()` before.

    Example:
        >>> import torch, torchlean as tl
        >>> @tl.claim(x=tl.box(-1.0, 1.0))
        ... def is_convex(x):
        ...     return tl.D(torch.exp(x), x, x) >= 0
        >>> bool(is_convex(torch.tensor(0.5)))
        True
    """
    from torchlean.claims.autograd import derivative

    return derivative(u, variables)


def load(module: ModuleType, path: str | Path) -> ModuleType:
    """Read trained weights into `module`, strictly, and put it into evaluation mode.

    Args:
        module: an instance of the network, such as `Controller()`.
        path: a `.safetensors`, `.pt`, `.pth` or `.npz` file that holds the module's whole `state_dict`. A
            relative path counts from the folder of the file that contains this call, wherever the program
            was started.

    Returns:
        The same module.

    Raises:
        FileNotFoundError: no such file; the message names the full path.
        ValueError: unknown suffix, unreadable file, or weights that do not fit the module (missing or
            unexpected names, wrong shapes; all of them are listed).
        TypeError: `module` is not a module instance.

    Example:
        `net = tl.load(Controller(), "controller.safetensors")`
    """
    from torchlean.claims.runtime import load_weights

    return load_weights(module, resolve(path, sys._getframe(1).f_code.co_filename))


def robust(
    net: Callable[[Tensor], Tensor],
    data: str | Path,
    eps: float,
    norm: str = "linf",
    clip: tuple[float, float] | None = None,
) -> Robust:
    """One claim for each sample of a data file: however the sample is changed by up to `eps`, its class scores above
    each other one. A tie counts as a failure.

    Bound to a module-level name (`safe = tl.robust(...)`), the claims are `safe[0]`, `safe[1]`, ... and the analysis
    decides and counts them.

    Args:
        net: a module or function that gives the scores (n, classes) of a batch of samples (n, *input).
        data: an `.npz`, `.safetensors` or `.pt` file with arrays `x` (samples, *input) and `y` (samples,), integers
            from 0. A relative path counts from the folder of the file that contains this call.
        eps: the radius of the ball around each sample, in the samples' own units.
        norm: `"linf"` (each element changes by at most `eps`) or `"l2"` (the Euclidean norm of the change is at most
            `eps`).
        clip: the least and the greatest value any element may have, such as `(0, 1)` for pixels.

    Raises:
        FileNotFoundError: no such file.
        DomainError: arrays that are missing, empty, of other shapes or kinds, or contain NaN; a radius, norm or clip
            that makes no sense.

    Example:
        `safe = tl.robust(net, data="digits_test.npz", eps=0.02, clip=(0, 1))`
    """
    from torchlean.claims import robustness

    return robustness.robust(net, data, eps, norm, clip, sys._getframe(1).f_code.co_filename)


def resolve(path: str | Path, source: str) -> Path:
    """The file that a relative `path` written in the file `source` means: relative to its folder.

    In an interactive session there is no such file (`source` is then a name such as `<stdin>`), and the
    working directory takes its place. This is the one rule for the run time and the analysis.
    """
    written = Path(path)
    if written.is_absolute():
        return written
    interactive = source.startswith("<")
    return (Path.cwd() if interactive else Path(source).absolute().parent) / written


def _check_arguments(function: Callable[..., object], domains: Mapping[str, Domain | Regions]) -> None:
    """Every domain belongs to an argument, and every argument that needs a value has a domain."""
    name = _name(function)
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    signature = inspect.signature(function).parameters
    parameters = {key: value for key, value in signature.items() if value.kind not in variadic}
    if not parameters:
        raise DomainError(no_inputs(name))
    for argument, domain in domains.items():
        if argument not in parameters:
            raise DomainError(unknown_argument(name, argument, parameters))
        if not isinstance(domain, (Domain, Regions)):
            raise DomainError(not_a_domain(argument, repr(domain)))
    sampled = [argument for argument, domain in domains.items() if isinstance(domain, Regions)]
    if len(sampled) > 1:
        raise DomainError(second_file(sampled[0], sampled[1]))
    for argument, parameter in parameters.items():
        if argument not in domains and parameter.default is inspect.Parameter.empty:
            raise DomainError(missing_domain(name, argument))


def _name(function: Callable[..., object]) -> str:
    return getattr(function, "__name__", repr(function))
