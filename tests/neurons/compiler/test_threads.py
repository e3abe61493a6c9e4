"""Kernels in several threads: the same bits for any number of them, errors that arrive, nothing that stays behind."""

from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from horn.neurons import Batch, Compiled, Identity, NetworkSpec, Rates, ReLU, StandardNeuron
from horn.neurons.compiler.analysis.analysis import analyse
from horn.neurons.compiler.emission.modules import layer_code
from horn.neurons.compiler.operations import blocks as block_kernels
from horn.neurons.compiler.operations.blocks import MessageKernel
from horn.neurons.compiler.operations.operation import Kernel
from horn.neurons.compiler.operations.threads import allowed, blocks, spread
from horn.neurons.library import MaxoutNeuron, RBFNeuron

pytestmark = pytest.mark.timeout(300)

UNIT = """
class Unit(Neuron):
    learning_rule = "local"

    def forward(self, messages):
        distance, best, winner = 0.0, -9.0, 0
        for m in messages:
            distance += (m.input - m.weight) ** 2
            if m.input * m.weight > best:
                best, winner = m.input * m.weight, m.sender
        self.winner = winner
        self.feedforward(self.activation(best - distance * 0.25))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += abs(m.delta - m.weight) * math.exp(-m.delta * m.delta)
            self.push(self.learning_rate * abs(self.winner - m.weight * m.delta) + self.momentum * m.prev_weight)
        self.backpropagate(gradient)
"""


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_kernels, "LARGE", 0)
    monkeypatch.setattr(block_kernels, "GRAIN", 4)


def agree(spec: NetworkSpec) -> None:
    """Engines of 1, 2 and 3 threads compute the same bits."""
    rng = np.random.default_rng(0)
    inputs, targets = (rng.normal(size=(7, spec.layers[end].units)).astype(np.float32) for end in (0, -1))
    parameters, previous = (rng.normal(size=spec.size).astype(np.float32) for _ in range(2))
    places = np.arange(7, dtype=np.uint32)
    found = []
    for threads in (1, 2, 3):
        with threadpool_limits(threads, user_api="blas"):
            engine = Compiled(spec, parameters.copy(), previous.copy(), seed=0)
            assert engine.passes.stages[0].threads == threads
        with threadpool_limits(1, user_api="blas"):  # whose sums differ
            pushed = np.empty(spec.size, np.float32)
            engine.gradient(Batch(inputs, targets, places, places, 7), Rates(1, 0.5, 0.25), pushed)
            found.append((engine.predict(inputs), pushed))
    for outputs, pushed in found[1:]:
        np.testing.assert_array_equal(outputs, found[0][0])
        np.testing.assert_array_equal(pushed, found[0][1])


@pytest.mark.usefixtures("everything_is_large")
def test_the_bits_do_not_depend_on_the_number_of_threads(define, chain) -> None:
    unit = define(UNIT).Unit
    agree(chain((5, StandardNeuron), (33, unit, ReLU()), (9, unit, ReLU()), (3, StandardNeuron)))


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize("bias", [True, pytest.param(False, marks=pytest.mark.soak)])
def test_nor_do_the_bits_of_derivatives(bias, chain) -> None:
    layers = [(9, StandardNeuron), (33, MaxoutNeuron), (13, RBFNeuron), (3, StandardNeuron)]
    agree(chain(*layers, bias=bias))


def test_messages_of_a_distance_are_each_on_their_own_those_of_a_maximum_are_not() -> None:
    for cls, kind in ((RBFNeuron, MessageKernel), (MaxoutNeuron, Kernel)):
        sweeps = layer_code(analyse(cls, Identity()), "dense", "dense").sweeps
        assert sweeps is not None
        assert type(sweeps.to_both) is kind


@pytest.mark.parametrize("threads", [1, 2])
def test_as_many_threads_as_the_blas_has(threads) -> None:
    with threadpool_limits(threads, user_api="blas"):
        assert allowed() == threads


@pytest.mark.parametrize("size", [1, 4, 5, 63, 64])
@pytest.mark.parametrize("count", [1, 2, 3, 100])
def test_blocks_cover_all_once(size, count) -> None:
    found = blocks(size, count, 4)
    assert 1 <= len(found) <= count
    assert [place for low, high in found for place in range(low, high)] == list(range(size))
    assert all(low % 4 == 0 for low, _ in found)


def test_blocks_run_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=60)
    seen = []

    def call(low: int, high: int) -> None:
        together.wait()
        seen.append((low, high, threading.current_thread()))

    parts = [(0, 1), (1, 2), (2, 3)]
    spread(call, parts)
    assert sorted((low, high) for low, high, _ in seen) == parts
    assert len({thread for *_, thread in seen}) == 3
    assert all(thread.daemon for *_, thread in seen if thread is not threading.current_thread())


@pytest.mark.parametrize("own", [True, False])
def test_an_error_in_a_block_reaches_the_caller(own) -> None:
    together = threading.Barrier(2, timeout=60)
    ended = []

    def call(low: int, high: int) -> None:
        together.wait()
        if (threading.current_thread() is threading.main_thread()) is own:
            raise ZeroDivisionError(f"block {low}")
        ended.append(low)

    for _ in range(2):  # the threads live on
        with pytest.raises(ZeroDivisionError, match="block"):
            spread(call, [(0, 1), (1, 2)])
    assert len(ended) == 2


CHILD = """
import os, sys, warnings
from horn.neurons.compiler.analysis.analysis import analyse
from horn.neurons.compiler.emission.modules import layer_code
from horn.neurons.compiler.operations.blocks import MessageKernel
from horn.neurons.compiler.operations.operation import Kernel
from horn.neurons.compiler.operations.threads import spread

done = []
spread(lambda low, high: done.append(low), [(0, 1), (1, 2), (2, 3)])
warnings.simplefilter("ignore")  # that a process with threads forks
pid = os.fork()
spread(lambda low, high: done.append(low), [(0, 1), (1, 2), (2, 3)])
if pid == 0:
    os._exit(0 if len(done) == 6 else 1)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.exit(0 if len(done) == 6 and status == 0 else 1)
"""


def test_processes_end_although_threads_wait_and_forked_ones_make_their_own() -> None:
    subprocess.run([sys.executable, "-c", CHILD], check=True, timeout=120)
