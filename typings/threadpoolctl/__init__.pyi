from types import TracebackType
from typing import TypedDict

class threadpool_limits:
    def __init__(self, limits: int | None = None, user_api: str | None = None) -> None: ...
    def __enter__(self) -> threadpool_limits: ...
    def __exit__(
        self, type: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

class _Pool(TypedDict):
    user_api: str
    num_threads: int

def threadpool_info() -> list[_Pool]: ...
