"""Ctrl-C while a job runs: counted instead of raised in the middle of something."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class InterruptCounter:
    """Counts SIGINT while it is entered.

    Where the program handles SIGINT itself, or outside the main thread, it
    leaves it alone.

    Attributes:
        count: how often Ctrl-C was pressed.
    """

    def __init__(self) -> None:
        self.count = 0
        self._active = False

    def __enter__(self) -> Self:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._note)
            self._active = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._active:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
