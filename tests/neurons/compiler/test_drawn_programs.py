"""Neurons that use the whole language, run by both engines on numbers whose sums are exact: no bit may differ.

Most examples run the emitted modules as the Python that they are, some as machine code (see `test_generated`).
"""

from __future__ import annotations

from typing import Any

import pytest
from drawn_neurons import PROFILE
from drawn_programs import programs
from hypothesis import given, settings
from hypothesis import strategies as st

from horn.neurons import Identity, NetworkSpec, ReLU
from horn.neurons.compiler.analysis.compatibility import layer_analysis

pytestmark = pytest.mark.timeout(600)

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.booleans())
#: Which of the three layers are of the drawn class.
PLACES = st.sampled_from([(0,), (1,), (2,), (0, 1), (1, 2)])


def network(module: Any, chain: Any, sizes: tuple[int, int, int, bool], drawn: tuple[int, ...]) -> NetworkSpec:
    """Three layers, one or two of them drawn."""
    *units, bias = sizes
    layers = [(size, module.Plain, Identity()) for size in units]
    for index in drawn:
        layers[index] = (units[index], module.Drawn, ReLU())
    return chain(*layers, bias=bias)


def test_programs_give_the_same_bits(define: Any, chain: Any, compare: Any, plain_kernels: Any) -> None:
    tiers = set()

    @given(programs(), SHAPES, PLACES, st.sampled_from([1, 2, 4]), st.integers(0, 99))
    @settings(max_examples=60, **PROFILE)
    def check(source: str, sizes: Any, drawn: tuple[int, ...], examples: int, seed: int) -> None:
        with plain_kernels():
            spec = network(define(source), chain, sizes, drawn)
            compare(spec, seed=seed, examples=examples, exact=True)
        reports = layer_analysis(spec.layers[drawn[0]]).loops
        tiers.update((report.method, report.tier) for report in reports)

    check()
    assert tiers == {(method, tier) for method in ("forward", "backward") for tier in ("GEMM", "lanes", "scalar")}


@given(programs(), SHAPES, PLACES, st.sampled_from([1, 2, 4]), st.integers(0, 99))
@settings(max_examples=2, **PROFILE)
def test_their_machine_code_gives_them(
    define: Any,
    chain: Any,
    compare: Any,
    source: str,
    sizes: Any,
    drawn: tuple[int, ...],
    examples: int,
    seed: int,
) -> None:
    compare(network(define(source), chain, sizes, drawn), seed=seed, examples=examples, exact=True)
