from collections.abc import Callable
from typing import Any, TypeVar

from . import types as types

F = TypeVar("F", bound=Callable[..., Any])

__version__: str

def njit(**options: Any) -> Callable[[F], F]: ...
