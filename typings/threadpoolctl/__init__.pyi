from collections.abc import Sequence
from types import TracebackType
from typing import TypedDict

class _Limits:
    def __enter__(self) -> _Limits: ...
    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

class threadpool_limits(_Limits):
    def __init__(self, limits: int | None = None, user_api: str | None = None) -> None: ...

class _Pool(TypedDict):
    user_api: str
    filepath: str
    num_threads: int

class ThreadpoolController:
    def info(self) -> list[_Pool]: ...
    def select(self, *, filepath: Sequence[str]) -> ThreadpoolController: ...
    def limit(self, *, limits: int, user_api: str | None = None) -> _Limits: ...

def threadpool_info() -> list[_Pool]: ...
