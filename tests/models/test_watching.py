"""What a history tells of each worker, how it is drawn, and what TensorBoard is told."""

from __future__ import annotations

import json
import struct
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from horn.models import (
    AllReduce,
    Context,
    Downpour,
    History,
    NeuralNetwork,
    ParameterServer,
    StaleSynchronous,
    SyncStrategy,
    Topology,
)
from horn.neurons import CrossEntropy, Softmax, Tanh

ITERATIONS = 6


@pytest.fixture
def nn() -> NeuralNetwork:
    network = NeuralNetwork(learning_rate=0.05, momentum=0.5, engine="interpreter")
    network.input_layer(4)
    network.add_layer(3, Tanh)
    network.output_layer(2, Softmax, cost=CrossEntropy)
    return network


@pytest.fixture
def task() -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    return rng.normal(size=(24, 4)).astype(np.float32), rng.integers(0, 2, 24)


class Busy(AllReduce):
    """AllReduce, of which worker 1 takes its time."""

    seconds = 0.05

    def before_step(self, ctx: Context) -> None:
        if ctx.replicas.index == 1:
            end = time.perf_counter() + self.seconds
            while time.perf_counter() < end:
                pass


def test_each_worker_tells_where_its_time_went(nn: NeuralNetwork, task: Any) -> None:
    history = nn.fit(*task, iterations=ITERATIONS, batch_size=8, workers=2, sync=Busy(), verbose=0)
    first, second = history.workers
    assert [worker.workers for worker in history.workers] == [(0,), (1,)]
    for worker in history.workers:
        assert worker.iteration.tolist() == list(range(ITERATIONS))
        assert worker.examples.tolist() == [4] * ITERATIONS
        assert (worker.staleness == 0).all()
        assert (worker.computing > 0).all()
        np.testing.assert_allclose(worker.examples_per_second, 4 / worker.time)
    assert first.time.sum() <= history.time[-1]
    # the busy one's hook is the strategy's time; the other one waits for it
    assert second.communicating.min() >= Busy.seconds
    assert first.waiting.sum() > second.waiting.sum()
    assert first.communicating.sum() < second.communicating.sum()


def test_workers_losses_are_those_of_their_parts(nn: NeuralNetwork, task: Any) -> None:
    history = nn.fit(*task, iterations=ITERATIONS, batch_size=9, workers=2, processes=2, verbose=0)
    losses = np.array([worker.loss for worker in history.workers])
    sizes = np.array([worker.examples for worker in history.workers])
    assert sizes.T.tolist() == [[5, 4], [5, 4], [3, 3]] * 2 or sizes.T.tolist() == [[4, 5], [4, 5], [3, 3]] * 2
    np.testing.assert_allclose((losses * sizes).sum(axis=0) / sizes.sum(axis=0), history.loss, rtol=1e-12)


def test_one_process_tells_of_all_workers_that_it_computes(nn: NeuralNetwork, task: Any) -> None:
    history = nn.fit(*task, iterations=ITERATIONS, batch_size=8, workers=4, processes=1, verbose=0)
    (together,) = history.workers
    assert together.workers == (0, 1, 2, 3)
    assert together.name == "workers 0-3"
    assert together.examples.tolist() == [8] * ITERATIONS


def test_alone_nobody_is_waited_for(nn: NeuralNetwork, task: Any) -> None:
    history = nn.fit(*task, iterations=ITERATIONS, batch_size=8, verbose=0)
    (alone,) = history.workers
    assert (alone.waiting == 0).all()
    np.testing.assert_allclose(alone.loss, history.loss)


def test_each_task_of_a_replica_is_told_of(nn: NeuralNetwork, task: Any) -> None:
    history = nn.fit(*task, iterations=ITERATIONS, batch_size=8, topology=Topology(tasks=2), verbose=0)
    assert [worker.name for worker in history.workers] == ["worker 0", "worker 0, task 1"]
    assert (history.workers[1].waiting > 0).all()


def test_synchronous_servers_make_nobody_stale(nn: NeuralNetwork, task: Any) -> None:
    history = nn.fit(*task, iterations=ITERATIONS, batch_size=8, workers=3, sync=ParameterServer(), verbose=0)
    assert len(history.workers) == 3
    assert all((worker.staleness == 0).all() for worker in history.workers)
    assert all(worker.waiting.sum() > 0 for worker in history.workers)


class InTurn(SyncStrategy):
    """Worker 1 makes all of its steps between the first two of worker 0, who then finds them."""

    properties = StaleSynchronous.properties

    def setup(self, ctx: Context) -> None:
        self.steps = 0

    def before_step(self, ctx: Context) -> None:
        if ctx.world.index == 1 and self.steps == 0:
            ctx.world.sync()
        if ctx.world.index == 0 and self.steps == 1:
            ctx.world.sync()
            ctx.world.sync()
        ctx.servers.pull(ctx.params)

    def on_update(self, ctx: Context, update: Any) -> None:
        ctx.servers.push(update)
        self.steps += 1

    def after_step(self, ctx: Context) -> None:
        if ctx.world.index == 1 and self.steps == ITERATIONS:
            ctx.servers.pull(ctx.params)  # all that was pushed before has been served then
            ctx.world.sync()


def test_staleness_counts_the_steps_of_others_between_two_pulls(nn: NeuralNetwork, task: Any) -> None:
    history = nn.fit(*task, iterations=ITERATIONS, batch_size=8, workers=2, sync=InTurn(), verbose=0)
    first, second = history.workers
    assert first.staleness.tolist() == [0, ITERATIONS, *[0] * (ITERATIONS - 2)]
    assert second.staleness.sum() <= 1


def test_a_shared_budget_is_told_part_by_part(nn: NeuralNetwork, task: Any) -> None:
    history = nn.fit(*task, iterations=ITERATIONS, batch_size=8, workers=2, sync=Downpour(), verbose=0)
    assert sum(len(worker) for worker in history.workers) == 2 * ITERATIONS
    assert all((np.diff(worker.iteration) >= 0).all() for worker in history.workers)


def test_a_history_is_plain_data_for_json(nn: NeuralNetwork, task: Any) -> None:
    history = nn.fit(*task, iterations=2, batch_size=8, workers=2, verbose=0)
    told = json.loads(json.dumps(history.to_dict()))
    assert told["loss"] == history.loss
    assert told["workers"][1]["workers"] == [1]
    assert told["workers"][1]["waiting"] == history.workers[1].waiting.tolist()


def test_a_worker_fits_into_a_line(nn: NeuralNetwork, task: Any) -> None:
    (worker,) = nn.fit(*task, iterations=2, batch_size=8, verbose=0).workers
    assert repr(worker).startswith("<WorkerHistory: worker 0, 2 steps, ")
    assert "waiting 0%" in repr(worker)


# -- pictures ---------------------------------------------------------------------------------------------------------


def test_a_history_is_drawn(nn: NeuralNetwork, task: Any) -> None:
    from matplotlib.figure import Figure

    history = nn.fit(*task, iterations=5, batch_size=8, workers=2, validation=task, validate_every=2, verbose=0)
    drawn = history.plot(Figure())
    loss, accuracy, times = drawn.axes
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), history.loss)
    assert list(loss.lines[1].get_xdata()) == [look.iteration for look in history.validation]
    assert list(accuracy.lines[1].get_ydata()) == [look.accuracy for look in history.validation]
    assert [text.get_text() for text in times.get_yticklabels()] == ["worker 0", "worker 1"]
    widths = np.array([bar.get_width() for bar in times.patches]).reshape(3, 2)
    np.testing.assert_allclose(widths.sum(axis=0), [worker.time.sum() for worker in history.workers])


def test_a_long_history_is_drawn_by_means() -> None:
    from matplotlib.figure import Figure

    values = np.arange(2600.0)
    line = History(loss=values.tolist(), accuracy=values.tolist()).plot(Figure()).axes[0].lines[0]
    assert len(line.get_ydata()) <= 500
    np.testing.assert_allclose(line.get_ydata()[0], np.mean(values[:6]))


def test_pictures_are_pyplots_by_default(nn: NeuralNetwork, task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    history = nn.fit(*task, iterations=2, batch_size=8, verbose=0)
    figure = history.plot()
    assert pyplot.fignum_exists(figure.number)
    pyplot.close(figure)


def test_what_pictures_need_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="nothing to plot"):
        History().plot()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install 'horn\[plot\]'"):
        History(loss=[1.0], accuracy=[0.0]).plot()


# -- TensorBoard ------------------------------------------------------------------------------------------------------


def scalars(folder: Path) -> dict[str, dict[int, float]]:
    """Tag → step → value of all event files in a folder, read by their own format: length, checksum, message."""
    from tensorboardX.proto.event_pb2 import Event

    found: dict[str, dict[int, float]] = {}
    for path in folder.glob("events.out.tfevents.*"):
        data, place = path.read_bytes(), 0
        while place < len(data):
            (length,) = struct.unpack_from("<Q", data, place)
            event = Event.FromString(data[place + 12 : place + 12 + length])
            place += length + 16
            for value in event.summary.value:
                steps = found.setdefault(value.tag, {})
                assert event.step not in steps, f"{value.tag} is told twice of step {event.step}"
                steps[event.step] = value.simple_value
    return found


@pytest.mark.parametrize("sync", [AllReduce(), StaleSynchronous(1)])
def test_tensorboard_is_told(nn: NeuralNetwork, task: Any, tmp_path: Path, sync: SyncStrategy) -> None:
    options = {"batch_size": 8, "workers": 2, "sync": sync, "verbose": 0, "tensorboard": tmp_path}
    first = nn.fit(*task, iterations=4, validation=task, validate_every=2, **options)
    second = nn.fit(*task, iterations=3, **options)
    told = scalars(tmp_path)
    looks = {look.iteration: pytest.approx(look.loss) for look in first.validation}
    assert told["validation/loss"] == looks
    for index, name in enumerate(("worker_0", "worker_1")):
        for measured in ("loss", "computing", "waiting", "staleness", "examples_per_second"):
            values = [getattr(fit.workers[index], measured).tolist() for fit in (first, second)]
            expected = dict(enumerate(values[0] + values[1], 1))
            assert told[f"{name}/{measured}"] == {step: pytest.approx(value) for step, value in expected.items()}
    assert set(told["training/loss"]) <= set(range(1, 8))
    assert max(told["training/loss"]) == 7
    if isinstance(sync, StaleSynchronous):
        assert set(told["strategy/ahead"]) == set(range(1, 8))


def test_what_tensorboard_needs_is_told(nn: NeuralNetwork, task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TypeError, match="tensorboard must be a folder"):
        nn.fit(*task, iterations=1, batch_size=8, tensorboard=3)
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install 'horn\[tensorboard\]'"):
        nn.fit(*task, iterations=1, batch_size=8, tensorboard="runs")
