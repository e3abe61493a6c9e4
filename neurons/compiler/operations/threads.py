"""Several threads for one call: its blocks, each of which a kernel does without the GIL.

The threads are daemons, made when they are first needed, so that an interpreter that ends waits for none of them; a
forked child has none and makes its own. Who spreads a call takes blocks itself until none is left, and then waits only
for those that a thread has begun.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import cache
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from threadpoolctl import threadpool_info

from ...blas import is_numpys

#: From where up to where.
Block = tuple[int, int]


def allowed() -> int:
    """How many threads a kernel may use: as many as the BLAS of this process, so that one number rules both.

    Where several are loaded, the smallest of their numbers, NumPy's own aside; 1 where threadpoolctl knows none.
    """
    pools = (it for it in threadpool_info() if it["user_api"] == "blas" and not is_numpys(it["filepath"]))
    return min((it["num_threads"] for it in pools), default=1)


def blocks(size: int, count: int, grain: int) -> list[Block]:
    """0 … `size` in at most `count` parts of nearly one length, whose borders are multiples of `grain`."""
    step = max(1, -(-size // (count * grain))) * grain
    return [(low, min(low + step, size)) for low in range(0, size, step)]


def spread(call: Callable[[int, int], Any], parts: Sequence[Block]) -> None:
    """Call with every block, at the same time where that is possible; all have ended when it returns.

    Raises:
        Exception: what a call has raised; blocks that nobody had begun may then be left out.
    """
    waiting = iter(parts)  # shared: under the GIL each block is taken once

    def work() -> None:
        for low, high in waiting:
            call(low, high)

    helpers = _crew().ask(work, len(parts) - 1)
    try:
        work()
    finally:
        # Without a limit: what has begun is a kernel, all of whose loops are of known length.
        begun = wait(helper for helper in helpers if not helper.cancel()).done
    for helper in begun:
        helper.result()


class _Crew:
    """Threads that wait for calls."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Future[None], Callable[[], None]]] = SimpleQueue()
        self._lock = Lock()
        self._size = 0

    def ask(self, call: Callable[[], None], times: int) -> list[Future[None]]:
        """Have a call made so many times at once, as soon as threads are free."""
        with self._lock:
            while self._size < times:
                self._size += 1
                Thread(target=self._attend, name=f"horn-block-{self._size}", daemon=True).start()
        asked: list[Future[None]] = [Future() for _ in range(times)]
        for future in asked:
            self._calls.put((future, call))
        return asked

    def _attend(self) -> None:
        while True:
            _answer(*self._calls.get())


def _answer(future: Future[None], call: Callable[[], None]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        call()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(None)


@cache
def _crew() -> _Crew:
    return _Crew()


os.register_at_fork(after_in_child=_crew.cache_clear)
