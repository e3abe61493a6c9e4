"""Neurons that use the whole language, run by both engines on numbers whose sums are exact: no bit may differ.

Most examples run the emitted modules as the Python that they are, some as machine code (see `test_generated`).
"""

from __future__ import annotations

from typing import Any

from amounts import few_and_many
from drawn_programs import programs
from hypothesis import given, settings
from hypothesis import strategies as st

from horn.neurons import Identity, NetworkSpec, ReLU
from horn.neurons.compiler.analysis.analysis import analyse

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


@few_and_many(0, 300)
def test_programs_have_loops_of_every_tier(amount: settings, define: Any) -> None:
    tiers = set()

    @amount
    @given(programs())
    def look(source: str) -> None:
        reports = analyse(define(source).Drawn, ReLU()).loops
        tiers.update((report.method, report.tier) for report in reports)

    look()
    assert tiers == {(method, tier) for method in ("forward", "backward") for tier in ("GEMM", "lanes", "scalar")}


@few_and_many(6, 2000)
def test_programs_give_the_same_bits(
    amount: settings, define: Any, chain: Any, compare: Any, plain_kernels: Any
) -> None:
    @amount
    @given(programs(), SHAPES, PLACES, st.sampled_from([1, 2, 4]), st.integers(0, 99))
    def check(source: str, sizes: Any, drawn: tuple[int, ...], examples: int, seed: int) -> None:
        with plain_kernels():
            spec = network(define(source), chain, sizes, drawn)
            compare(spec, seed=seed, examples=examples, exact=True)

    check()


@few_and_many(1, 100)
def test_their_machine_code_gives_them(amount: settings, define: Any, chain: Any, compare: Any) -> None:
    @amount
    @given(programs(), SHAPES, PLACES, st.sampled_from([1, 2, 4]), st.integers(0, 99))
    def check(source: str, sizes: Any, drawn: tuple[int, ...], examples: int, seed: int) -> None:
        compare(network(define(source), chain, sizes, drawn), seed=seed, examples=examples, exact=True)

    check()
