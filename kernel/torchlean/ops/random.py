"""Numbers drawn when the program runs. Only their range is known; two draws are never the same value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from torchlean.ops import creation
from torchlean.ops.arguments import is_tensor, known_int, meta, sizes, torch_errors
from torchlean.ops.op import ShapeError, TensorType, dtype_name
from torchlean.ops.spelling import Emitter, TensorValue, spelled


@dataclass(frozen=True)
class Generator:
    """A `torch.Generator`: which numbers it gives is not followed."""

    def manual_seed(self, seed: int) -> Generator:
        return self


@spelled("torch.Generator")
def generator(emitter: Emitter, device: Any = "cpu") -> Generator:
    return Generator()


@spelled("torch.Generator.manual_seed")
def generator_manual_seed(emitter: Emitter, generator: Generator, seed: int) -> Generator:
    return generator


@spelled(
    *(
        "torch.manual_seed",
        "torch.random.manual_seed",
        "torch.cuda.manual_seed",
        "torch.cuda.manual_seed_all",
    ),
    *("torch.seed", "torch.random.seed"),
)
def manual_seed(emitter: Emitter, seed: int | None = None) -> None:
    """Seeds choose among draws, and any draw is allowed for."""


def widened(low: float, high: float, dtype: torch.dtype) -> tuple[float, float]:
    """A range that holds every `low + u (high - low)`, `0 <= u < 1`, as torch computes it in a floating `dtype`.

    The two ends, their difference, the product and the sum are each rounded once: at most eight unit roundoffs, four
    eps, of the larger end altogether. `[0, 1]` is exact.
    """
    if (low, high) == (0.0, 1.0):
        return low, high
    slack = 4 * float(torch.finfo(dtype).eps) * max(abs(low), abs(high))
    return low - slack, high + slack


def _held(number: int, dtype: torch.dtype, toward: float) -> float:
    """An integer bound as a float on the far side of it, also after rounding to the dtype it is drawn in."""
    near = float(number)
    if near != number and (near < number) == (toward > number):
        near = math.nextafter(near, toward)
    if not dtype.is_floating_point:
        return near
    drawn = float(torch.tensor(near, dtype=torch.float64).to(dtype))
    return max(near, drawn) if toward > 0 else min(near, drawn)


def draw(
    emitter: Emitter,
    what: str,
    shape: tuple[int, ...],
    dtype: torch.dtype | None,
    lower: float = -math.inf,
    upper: float = math.inf,
    likely: tuple[float, float] | None = None,
) -> TensorValue:
    """A random leaf; of the default dtype unless the caller says otherwise.

    Raises:
        ShapeError: a negative size.
    """
    with torch_errors():
        type = TensorType(tuple(torch.empty(shape, device="meta").shape), dtype or torch.get_default_dtype())
    return emitter.random(type, lower, upper, what, likely=likely)


NORMAL_DEVIATIONS = 8.6
"""Standard deviations that no draw of torch from a normal distribution exceeds.

A true normal variable does so with probability 8e-18. torch uses the Box-Muller transform, whose radius is
`sqrt(-2 log u)`, and `u >= 2^-53` for the generator with the most bits: 8.572. It is stated as likely and not as
certain because this is a property of one implementation.
"""


def normal_range(mean: Any = 0.0, std: Any = 1.0) -> tuple[float, float] | None:
    """Where normal draws lie but for a negligible probability; None where mean or deviation is not a plain number."""
    if not isinstance(mean, (int, float)) or not isinstance(std, (int, float)):
        return None
    reach = NORMAL_DEVIATIONS * abs(std)
    return (mean - reach, mean + reach) if math.isfinite(mean) and math.isfinite(reach) else None


def _floating(dtype: torch.dtype | None, what: str) -> torch.dtype | None:
    if dtype is not None and not dtype.is_floating_point:
        raise ShapeError(f"{what} draws floating numbers, not {dtype_name(dtype)}")
    return dtype


def _options(options: dict[str, Any], default: torch.dtype | None) -> torch.dtype | None:
    """The dtype among the keyword options; a generator makes no difference."""
    return creation.option_dtype(
        {key: value for key, value in options.items() if key != "generator"}, default
    )


@spelled("torch.rand")
def rand(emitter: Emitter, *spread: Any, size: Any = None, **options: Any) -> TensorValue:
    """`[0, 1)`; the interval is closed, as all are."""
    dtype = _floating(_options(options, torch.get_default_dtype()), "rand")
    return draw(emitter, "rand", sizes(emitter, spread, size, "the sizes"), dtype, 0.0, 1.0)


@spelled("torch.randn")
def randn(emitter: Emitter, *spread: Any, size: Any = None, **options: Any) -> TensorValue:
    dtype = _floating(_options(options, torch.get_default_dtype()), "randn")
    return draw(emitter, "randn", sizes(emitter, spread, size, "the sizes"), dtype, likely=normal_range())


@spelled("torch.rand_like")
def rand_like(emitter: Emitter, input: TensorValue, **options: Any) -> TensorValue:
    dtype = _floating(_options(options, input.dtype), "rand_like")
    return draw(emitter, "rand_like", tuple(input.shape), dtype, 0.0, 1.0)


@spelled("torch.randn_like")
def randn_like(emitter: Emitter, input: TensorValue, **options: Any) -> TensorValue:
    dtype = _floating(_options(options, input.dtype), "randn_like")
    return draw(emitter, "randn_like", tuple(input.shape), dtype, likely=normal_range())


@spelled("torch.randint")
def randint(emitter: Emitter, *arguments: Any, **options: Any) -> TensorValue:
    """`randint(high, size)` or `randint(low, high, size)`: integers from `low` to `high - 1`."""
    names = (
        ("low", "high", "size")
        if len(arguments) + sum(n in options for n in ("low", "high", "size")) == 3
        else (
            "high",
            "size",
        )
    )
    free = [name for name in names if name not in options]
    if len(arguments) != len(free):
        raise ShapeError("randint needs (high, size) or (low, high, size)")
    given = dict(zip(free, arguments, strict=True)) | {
        name: options.pop(name) for name in names if name in options
    }
    low = known_int(emitter, given.get("low", 0), "low")
    high = known_int(emitter, given["high"], "high")
    shape = sizes(emitter, (given["size"],), None, "the sizes")
    return _integers(emitter, "randint", low, high, shape, _options(options, torch.int64))


@spelled("torch.randint_like")
def randint_like(emitter: Emitter, input: TensorValue, *bounds: Any, **options: Any) -> TensorValue:
    given = [known_int(emitter, bound, "a bound") for bound in bounds]
    given += [known_int(emitter, options.pop(name), name) for name in ("low", "high") if name in options]
    if not 1 <= len(given) <= 2:
        raise ShapeError("randint_like needs high, or low and high")
    low = given[0] if len(given) == 2 else 0
    dtype = _options(options, input.dtype)
    return _integers(emitter, "randint_like", low, given[-1], tuple(input.shape), dtype)


def _integers(
    emitter: Emitter, what: str, low: int, high: int, shape: tuple[int, ...], dtype: torch.dtype | None
) -> TensorValue:
    if low >= high:
        raise ShapeError(f"{what} needs low < high (high is not drawn), got low={low}, high={high}")
    held = dtype or torch.int64
    return draw(emitter, what, shape, dtype, _held(low, held, -math.inf), _held(high - 1, held, math.inf))


@spelled("torch.randperm")
def randperm(emitter: Emitter, n: int, **options: Any) -> TensorValue:
    count = known_int(emitter, n, "n")
    return draw(emitter, "randperm", (count,), _options(options, torch.int64), 0.0, float(max(count - 1, 0)))


@spelled("torch.bernoulli", "torch.Tensor.bernoulli")
def bernoulli(
    emitter: Emitter, input: TensorValue, p: float | None = None, *, generator: Any = None
) -> TensorValue:
    return draw(emitter, "bernoulli", tuple(input.shape), _floating(input.dtype, "bernoulli"), 0.0, 1.0)


@spelled("torch.poisson")
def poisson(emitter: Emitter, input: TensorValue, generator: Any = None) -> TensorValue:
    return draw(emitter, "poisson", tuple(input.shape), _floating(input.dtype, "poisson"), 0.0)


@spelled("torch.normal")
def normal(emitter: Emitter, mean: Any, std: Any = 1.0, size: Any = None, **options: Any) -> TensorValue:
    dtype = _floating(_options(options, None), "normal")
    if size is not None:
        shape = sizes(emitter, (size,), None, "the sizes")
        return draw(emitter, "normal", shape, dtype, likely=normal_range(mean, std))
    tensors = [item for item in (mean, std) if is_tensor(item)]
    if not tensors:
        raise ShapeError("normal needs a tensor as mean or std, or a size")
    with torch_errors():
        drawn = torch.normal(*(meta(item) if is_tensor(item) else float(item) for item in (mean, std)))
    return draw(emitter, "normal", tuple(drawn.shape), drawn.dtype)


@spelled("torch.multinomial", "torch.Tensor.multinomial")
def multinomial(
    emitter: Emitter,
    input: TensorValue,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Any = None,
) -> TensorValue:
    if not replacement and input.shape and num_samples > input.shape[-1]:
        raise ShapeError(f"cannot draw {num_samples} of {input.shape[-1]} without replacement")
    with torch_errors():
        shape = tuple(torch.multinomial(meta(input), num_samples, replacement).shape)
    return draw(emitter, "multinomial", shape, torch.int64, 0.0, float(max(input.shape[-1] - 1, 0)))


@spelled("torch.empty")
def empty(emitter: Emitter, *spread: Any, size: Any = None, **options: Any) -> TensorValue:
    """Whatever was in memory: nothing is known."""
    return draw(
        emitter,
        "empty",
        sizes(emitter, spread, size, "the sizes"),
        _options(options, torch.get_default_dtype()),
    )


@spelled("torch.empty_like")
def empty_like(emitter: Emitter, input: TensorValue, **options: Any) -> TensorValue:
    return draw(emitter, "empty_like", tuple(input.shape), _options(options, input.dtype))


@spelled("torch.Tensor.new_empty")
def new_empty(
    emitter: Emitter, input: TensorValue, *spread: Any, size: Any = None, **options: Any
) -> TensorValue:
    shape = sizes(emitter, spread, size, "the sizes")
    return draw(emitter, "new_empty", shape, _options(options, input.dtype))


@spelled("torch.Tensor.uniform_")
def uniform_(emitter: Emitter, input: TensorValue, *bounds: float, **options: Any) -> TensorValue:
    """torch calls the bounds `from` and `to`."""
    defaults = {"from": 0.0, "to": 1.0} | dict(zip(("from", "to"), bounds, strict=False))
    given = [options.pop(name, value) for name, value in defaults.items()]
    low, high = (float(creation.number_of(emitter, value, "a bound")) for value in given)
    if not low <= high:
        raise ShapeError(f"uniform_ needs from <= to, got from={low:g}, to={high:g}")
    _floating(input.dtype, "uniform_")
    ends = widened(low, high, input.dtype)
    return emitter.overwrite(input, draw(emitter, "uniform_", tuple(input.shape), input.dtype, *ends))


@spelled("torch.Tensor.normal_")
def normal_(
    emitter: Emitter, input: TensorValue, mean: Any = 0.0, std: Any = 1.0, *, generator: Any = None
) -> TensorValue:
    _floating(input.dtype, "normal_")
    likely = normal_range(mean, std)
    return emitter.overwrite(input, draw(emitter, "normal_", tuple(input.shape), input.dtype, likely=likely))


@spelled("torch.Tensor.cauchy_")
def cauchy_(emitter: Emitter, input: TensorValue, *arguments: Any, **options: Any) -> TensorValue:
    _floating(input.dtype, "cauchy_")
    return emitter.overwrite(input, draw(emitter, "cauchy_", tuple(input.shape), input.dtype))


@spelled("torch.Tensor.exponential_", "torch.Tensor.log_normal_")
def exponential_(emitter: Emitter, input: TensorValue, *arguments: Any, **options: Any) -> TensorValue:
    _floating(input.dtype, "exponential_")
    return emitter.overwrite(input, draw(emitter, "exponential_", tuple(input.shape), input.dtype, 0.0))


@spelled("torch.Tensor.bernoulli_")
def bernoulli_(emitter: Emitter, input: TensorValue, p: Any = 0.5, **options: Any) -> TensorValue:
    return emitter.overwrite(input, draw(emitter, "bernoulli_", tuple(input.shape), input.dtype, 0.0, 1.0))
