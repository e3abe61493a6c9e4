"""SciPy's line searches, as minimizers use them."""

from __future__ import annotations

import re
import threading
import warnings

_MESSAGE = r".*line search"
_FILTER = ("ignore", re.compile(_MESSAGE, re.IGNORECASE), RuntimeWarning, None, 0)
_changing = threading.Lock()


def expect_failures() -> None:
    """From now on a search that finds no better point does not warn: what it returns says so already.

    For the whole process, and not within `warnings.catch_warnings`, which is not for threads: peers may be some.
    """
    with _changing:
        if _FILTER not in warnings.filters:  # a change of the filters makes all that was told once be told again
            warnings.filterwarnings("ignore", _MESSAGE, RuntimeWarning)
