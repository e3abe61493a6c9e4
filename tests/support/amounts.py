"""How many examples a drawn test tries: a few, the same in every run; with ``-m soak`` many, new ones in every run."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

_UNUSUAL = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
#: Seconds that a soak may take.
_PATIENCE = 7200


def few_and_many(few: int, many: int) -> pytest.MarkDecorator:
    """Run a test twice, with an argument ``amount`` that decorates what is drawn for (``@amount`` above ``@given``).

    Args:
        few: examples in every run; with 0 there is only the soak.
        many: examples of a soak.
    """
    new = settings(max_examples=many, database=None, suppress_health_check=_UNUSUAL)
    amounts = [pytest.param(new, id="many", marks=[pytest.mark.soak, pytest.mark.timeout(_PATIENCE)])]
    if few:
        same = settings(max_examples=few, database=None, suppress_health_check=_UNUSUAL, derandomize=True)
        amounts.insert(0, pytest.param(same, id="few"))
    return pytest.mark.parametrize("amount", amounts)
