"""What the machine-code compiler refuses, told as an error of Horn's own."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

from numba.core.errors import NumbaError

from ...errors import NeuronError

#: Set to anything: numba's own traceback is shown as well.
DEBUG = "HORN_DEBUG"


def fault(what: str, path: str, error: NumbaError) -> NeuronError:
    """The error to raise in place of numba's, whose words are about generated code and not about the user's.

    Args:
        what: the class, and where it stands in the network.
        path: the generated file.
        error: numba's.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = next((line for line in lines if not line.startswith("Failed in")), type(error).__name__)
    return NeuronError(
        f"{what} cannot be made machine code: a fault of Horn's and not of yours; please report it with {path} and "
        f"what numba says of it: {said!r} ({DEBUG}=1 shows all of it); engine='interpreter' runs the network meanwhile"
    )


def raised(what: str, error: ValueError) -> Exception:
    """The error to raise in place of the one that machine code raises by itself: for a ``range`` that takes no steps.

    Args:
        what: the class, and where it stands in the network.
        error: machine code's; anything else is given back.
    """
    if "range()" not in str(error):
        return error
    return NeuronError(f"{what}: a range(start, stop, step) in it was given the step 0, which must be another number")


def shown(error: NumbaError) -> NumbaError | None:
    """The cause that the user gets to see: numba's error where ``HORN_DEBUG`` is set, None elsewhere."""
    return error if os.environ.get(DEBUG) else None


def guarded(function: Callable[..., Any], what: str, path: str) -> Callable[..., Any]:
    """A kernel that raises `fault` where it is none."""

    @wraps(function)
    def run(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except NumbaError as error:
            raise fault(what, path, error) from shown(error)
        except ValueError as error:
            raise raised(what, error) from None

    return run
