"""Ctrl-C while the calling process trains: the step at hand is completed first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def first_interrupt_calls(stop: Callable[[], None]) -> Iterator[None]:
    """While inside, the first Ctrl-C calls `stop`; a second one raises KeyboardInterrupt at once, as usual.

    Python delivers signals to the main thread only, and a program that handles Ctrl-C itself goes on doing so: in
    both cases nothing is changed.
    """
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or usual is not signal.default_int_handler:
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, usual)
        stop()

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
