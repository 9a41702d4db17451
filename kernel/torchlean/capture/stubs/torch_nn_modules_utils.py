"""Arguments that are one number or one number per dimension."""

from torchlean.capture.intrinsics import check_sizes


def per_dimension(value, count, name):
    """`(3, 3)` for 3; a tuple must have `count` numbers."""
    if isinstance(value, (tuple, list)):
        if len(value) != count:
            raise ValueError(f"{name} needs {count} numbers, got {tuple(value)}")
        return tuple(value)
    return (value,) * count


def _single(value):
    return per_dimension(value, 1, "value")


def _pair(value):
    return per_dimension(value, 2, "value")


def _triple(value):
    return per_dimension(value, 3, "value")


def sizes(layer, name, value, count):
    """Like `per_dimension`, checked to be integers."""
    result = per_dimension(value, count, name)
    for size in result:
        check_sizes(layer, **{name: size})
    return result
