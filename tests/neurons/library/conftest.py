"""What the tests of the library share: one network trained by both engines, and the digits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from horn.models import NeuralNetwork
from horn.models.data import digits

Builder = Callable[..., NeuralNetwork]


@pytest.fixture
def by_both_engines() -> Callable[..., NeuralNetwork]:
    """``by_both_engines(build, x, y, iterations, batch_size)``: `build(engine=…)` trained, the same by both."""

    def train(build: Builder, x: np.ndarray, y: np.ndarray, iterations: int, batch_size: int) -> NeuralNetwork:
        networks = [build(engine=engine) for engine in ("compiled", "interpreter")]
        for nn in networks:
            nn.fit(x, y, iterations=iterations, batch_size=batch_size, shuffle=False, verbose=0)
        compiled, interpreted = networks
        for mine, other in zip(compiled.weights, interpreted.weights, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)
        for mine, other in zip(compiled.biases, interpreted.biases, strict=True):
            assert (mine is None) == (other is None)
            if mine is not None:
                np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(compiled.predict(x), interpreted.predict(x), rtol=1e-5, atol=1e-6)
        return compiled

    return train


@pytest.fixture(scope="session")
def handwritten() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """scikit-learn's digits: training images and labels, test images and labels."""
    data = digits()
    return data.x_train[:], data.y_train, data.x_test[:], data.y_test
