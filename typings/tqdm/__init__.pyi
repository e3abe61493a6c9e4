from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Generic, Self, TextIO

from typing_extensions import TypeVar

T = TypeVar("T", default=Any)

class tqdm(Generic[T]):
    def __init__(
        self,
        iterable: Iterable[T] | None = None,
        desc: str | None = None,
        total: float | None = None,
        leave: bool | None = True,
        file: TextIO | None = None,
        *,
        mininterval: float = 0.1,
        miniters: float | None = None,
        disable: bool | None = False,
        unit: str = "it",
        unit_scale: bool = False,
        initial: float = 0,
    ) -> None: ...
    def __iter__(self) -> Iterator[T]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def update(self, n: float = 1) -> bool | None: ...
    def set_postfix(self, ordered_dict: dict[str, Any] | None = None, refresh: bool = True, **values: Any) -> None: ...
    def set_postfix_str(self, s: str = "", refresh: bool = True) -> None: ...
    def set_description(self, desc: str | None = None, refresh: bool = True) -> None: ...
    def reset(self, total: float | None = None) -> None: ...
    def close(self) -> None: ...
