"""The product of which an update is made, for few and for many examples and receivers, beside float64 NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from horn.neurons.compiler.operations.gemm import gemm_for, push_product


@pytest.mark.parametrize("precision", [np.float32, np.float64])
@pytest.mark.parametrize(("alpha", "beta"), [(-0.5, 0.9), (1.0, 0.0)])
@pytest.mark.parametrize(
    ("examples", "senders", "receivers"), [(1000, 64, 16), (1203, 301, 64), (999, 64, 16), (1000, 63, 16), (7, 5, 3)]
)
def test_the_update_is_the_product(examples, senders, receivers, alpha, beta, precision) -> None:
    rng = np.random.default_rng(0)
    factors, deltas = (rng.normal(size=(examples, width)).astype(precision) for width in (senders + 1, receivers + 2))
    update = rng.normal(size=(senders, receivers)).astype(precision)
    if beta == 0.0:
        update[3, 1] = np.nan  # nobody reads it
    wanted = alpha * factors[:, 1:].T.astype(float) @ deltas[:, :receivers]
    if beta:
        wanted += beta * update
    # As in a layer: rows are parts of longer ones.
    push_product(gemm_for(update), alpha, factors[:, 1:], deltas[:, :receivers], beta, update)
    np.testing.assert_allclose(update, wanted, rtol=0, atol=np.finfo(precision).eps * 50 * np.sqrt(examples))
