"""Neurons that nobody would write, run by both engines: bodies, shapes and masks are drawn, results must agree.

Most examples run the emitted modules as the Python that they are, which tells whether they mean the same; some are
compiled to machine code, which tells whether numba accepts them and computes the same. Conditions compare what is the
same to the last bit in both engines (draws, indices, flags), or a running value with a number that it never hits.
"""

from __future__ import annotations

from typing import Any

from amounts import few_and_many
from drawn_neurons import networks, sources
from hypothesis import given, settings
from hypothesis import strategies as st


def check(define: Any, compare: Any, source: str, network: Any, examples: int, seed: int) -> None:
    module = define(source)
    spec = network(module.Drawn, module.Plain)
    compare(spec, seed=seed, examples=examples, tolerance=5e-4)


@few_and_many(15, 3000)
def test_emitted_modules_mean_what_the_neuron_means(
    amount: settings, define: Any, compare: Any, plain_kernels: Any
) -> None:
    @amount
    @given(sources(), networks(), st.integers(1, 5), st.integers(0, 99))
    def run(source: str, network: Any, examples: int, seed: int) -> None:
        with plain_kernels():
            check(define, compare, source, network, examples, seed)

    run()


@few_and_many(1, 200)
def test_machine_code_computes_what_the_neuron_means(amount: settings, define: Any, compare: Any) -> None:
    @amount
    @given(sources(), networks(), st.integers(1, 5), st.integers(0, 99))
    def run(source: str, network: Any, examples: int, seed: int) -> None:
        check(define, compare, source, network, examples, seed)

    run()
