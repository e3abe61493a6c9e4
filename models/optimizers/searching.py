"""SciPy's line searches, as minimizers use them."""

from __future__ import annotations

import warnings


def expect_failures() -> None:
    """From now on a search that finds no better point does not warn: what it returns says so already.

    For the whole process, and not within `warnings.catch_warnings`, which is not for threads: peers may be some.
    """
    warnings.filterwarnings("ignore", r"(?i).*line search")
