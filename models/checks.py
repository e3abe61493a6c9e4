"""Bad input is refused here, before any worker starts: every message says what was seen, what is allowed, what to do.

Arguments come as whatever the user passed, hence `object`.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Rows looked at together, so that checking a memory-mapped file needs little memory.
ROWS_PER_LOOK = 8192


def require_count(name: str, value: object, *, least: int = 1) -> int:
    """A whole number of at least `least`.

    Raises:
        TypeError: no whole number.
        ValueError: below `least`.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def _require_number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    return float(value)


def require_rate(name: str, value: object) -> float:
    """A finite number of at least 0: a learning rate, a regularization weight.

    Raises:
        TypeError: no number.
        ValueError: negative, NaN or infinite.
    """
    number = _require_number(name, value)
    if not 0 <= number < math.inf:
        raise ValueError(f"{name} must be a finite number of at least 0, got {value!r}")
    return number


def require_momentum(value: object) -> float:
    """A number in [0, 1).

    Raises:
        TypeError: no number.
        ValueError: outside; from 1 on, updates would grow for ever.
    """
    number = _require_number("momentum", value)
    if not 0 <= number < 1:
        raise ValueError(f"momentum must be in [0, 1), got {value!r}; 0.9 is usual")
    return number


def require_fraction(name: str, value: object) -> float:
    """A number in [0, 1): how much of something remains from step to step.

    Raises:
        TypeError: no number.
        ValueError: outside.
    """
    number = _require_number(name, value)
    if not 0 <= number < 1:
        raise ValueError(f"{name} must be in [0, 1), got {value!r}: 0 forgets at once, 1 would never")
    return number


def require_positive(name: str, value: object) -> float:
    """A finite number above 0.

    Raises:
        TypeError: no number.
        ValueError: 0 or below, NaN or infinite.
    """
    number = _require_number(name, value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {value!r}")
    return number


def require_keep(value: object) -> float:
    """A probability above 0.

    Raises:
        TypeError: no number.
        ValueError: outside of (0, 1].
    """
    number = _require_number("keep", value)
    if not 0 < number <= 1:
        raise ValueError(f"keep is the probability that a neuron is kept and must be in (0, 1], got {value!r}")
    return number


def require_share(name: str, value: object) -> float:
    """A share of a whole that is not nothing.

    Raises:
        TypeError: no number.
        ValueError: outside of (0, 1].
    """
    number = _require_number(name, value)
    if not 0 < number <= 1:
        raise ValueError(f"{name} must be in (0, 1], got {value!r}")
    return number


def require_proper_share(name: str, value: object) -> float:
    """A number between 0 and 1, both excluded.

    Raises:
        TypeError: no number.
        ValueError: outside.
    """
    number = _require_number(name, value)
    if not 0 < number < 1:
        raise ValueError(f"{name} must be between 0 and 1, got {value!r}: 0.7 takes 70 % of the examples")
    return number


def require_bound(name: str, value: object) -> float | None:
    """None, or a number above 0: a bound on norms, on seconds.

    Raises:
        TypeError: no number.
        ValueError: 0 or below, NaN or infinite.
    """
    if value is None:
        return None
    number = _require_number(name, value)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be a finite number above 0, or None for no bound, got {value!r}")
    return number


def require_flag(name: str, value: object) -> None:
    """True or False.

    Raises:
        TypeError: something else, which Python might take for either.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} must be True or False, got {value!r}")


def require_submodels(value: object) -> None:
    """True, False or "nested".

    Raises:
        TypeError: something else.
    """
    if value != "nested" and not isinstance(value, bool | np.bool_):
        raise TypeError(f'submodels must be True, False or "nested", got {value!r}')


def require_choice(name: str, value: str, choices: tuple[str, ...]) -> str:
    """One of `choices`.

    Raises:
        ValueError: none of them.
    """
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")
    return value


def require_pair(name: str, value: object) -> tuple[Any, Any]:
    """Two things: inputs and what belongs to them.

    Raises:
        TypeError: something else.
    """
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise TypeError(f"{name} must be a pair (x, y) or None, got {type(value).__name__}")
    return value[0], value[1]


def require_finite(
    name: str, array: NDArray[Any], *, first: int = 0, numbers: NDArray[np.integer[Any]] | None = None
) -> None:
    """Refuse NaN and infinity, naming the first place; looks at few rows at a time.

    Args:
        name: what to call the array in errors.
        array: some rows of it.
        first: the number of the first of them.
        numbers: the numbers of all of them, where they do not follow each other.

    Raises:
        ValueError: there is one.
    """
    if array.dtype.kind not in "fc":
        return
    for start in range(0, len(array), ROWS_PER_LOOK):
        rows = np.asarray(array[start : start + ROWS_PER_LOOK])
        # the sum of finite numbers is finite unless it overflows: one pass without a temporary where all is well
        with np.errstate(all="ignore"):
            if math.isfinite(np.sum(rows, dtype=np.promote_types(rows.dtype, np.float32))):
                continue
        bad = np.argwhere(~np.isfinite(rows))
        if len(bad):
            row, *rest = (int(index) for index in bad[0])
            seen = rows[(row, *rest)]
            row += start
            place = [first + row if numbers is None else int(numbers[row]), *rest]
            raise ValueError(
                f"{name}{place} is {seen}: all values must be finite in float32 "
                "(at most 3.4e38); remove or replace such rows first"
            )


def require_width(name: str, shape: tuple[int, ...], features: int) -> None:
    """A matrix with one column for each neuron of the input layer, and at least one row.

    Raises:
        ValueError: of another shape.
    """
    if len(shape) > 2 and math.prod(shape[1:]) == features:
        raise ValueError(
            f"{name} has shape {shape}, needed is (examples, {features}): "
            f"flatten the examples, {name}.reshape(len({name}), -1)"
        )
    if shape == (features,):
        raise ValueError(
            f"{name} has shape {shape}, needed is (examples, {features}): one example is {name}[np.newaxis]"
        )
    if len(shape) != 2 or shape[1] != features:
        raise ValueError(
            f"{name} has shape {shape}, the input layer has {features} units: give an array of (examples, {features}), "
            f"or build the network with input_layer({shape[1] if len(shape) == 2 else '…'})"
        )
    if shape[0] == 0:
        raise ValueError(f"{name} is empty, its shape is {shape}: at least one example is needed")


def require_like(name: str, value: ArrayLike, view: NDArray[np.floating]) -> NDArray[np.floating]:
    """Numbers to copy into `view`: of its shape and type, and finite.

    Raises:
        ValueError: of another shape, or not finite.
    """
    array = np.asarray(value, view.dtype)
    if array.shape != view.shape:
        raise ValueError(f"{name} has shape {view.shape}, got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} was given NaN or infinity: it must be finite in {view.dtype}")
    return array
