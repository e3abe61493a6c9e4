"""Jobs with parameter servers: every push is served once, and what the servers make is what the caller gets."""

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from horn.models import SGD, ParameterServer, Properties, StaleSynchronous, SyncStrategy, Topology


class Counting(SyncStrategy):
    """Every push adds a power of two: sums are exact, and tell how often each worker's was served."""

    properties = Properties(synchronous=False, servers=True, shared_budget=True)

    def on_update(self, ctx, update):
        ctx.servers.push(np.ones_like(update))

    def serve(self, store, source, update):
        store.params += update


@pytest.mark.parametrize("servers", [1, 3])
def test_every_push_is_served_once_on_every_shard(build, task, servers):
    nn = build()
    before = [weights.copy() for weights in nn.weights]
    topology = Topology(groups=3, replicas=2, servers=servers)
    nn.fit(*task, iterations=4, batch_size=12, topology=topology, processes=2, sync=Counting())
    for weights, then in zip(nn.weights, before, strict=True):
        assert np.allclose(weights - then, 24, atol=1e-4)  # 4 batches in 3 · 2 parts
    assert len(nn.history) == 4
    assert nn.history.loss[0] > 0


class Watched(StaleSynchronous):
    """Pauses at random; the server refuses a push of a worker that is further ahead than the bound allows."""

    def before_step(self, ctx):
        size = ctx.rng.integers(1, 120)
        np.linalg.svd(np.ones((size, size)))
        super().before_step(ctx)
        assert ctx.metrics["ahead"] <= self.bound

    def serve(self, store, source, update):
        counts = self.__dict__.setdefault("counts", [0] * store.sources)
        assert counts[source] - min(counts) <= self.bound
        counts[source] += 1
        super().serve(store, source, update)


def test_workers_of_a_job_with_random_pauses_stay_within_the_bound(build, task):
    nn = build()
    history = nn.fit(*task, iterations=20, batch_size=12, workers=3, processes=3, sync=Watched(bound=2))
    ahead = [value for _, value in history.metrics["ahead"]]
    assert len(ahead) == 20
    assert min(ahead) >= 0


class Rare(StaleSynchronous):
    """Pulls in every third step only: what it pushes between must reach the servers all the same."""

    def before_step(self, ctx):
        if ctx.step % 3 == 0:
            super().before_step(ctx)

    def on_update(self, ctx, update):
        ctx.metrics["sum"] = update.sum(dtype=np.float64)
        super().on_update(ctx, update)

    def serve(self, store, source, update):
        store.params += update


def test_updates_between_pulls_are_not_overwritten(build, task):
    nn = build()
    before = sum(it.sum(dtype=np.float64) for it in (*nn.weights, *nn.biases))
    history = nn.fit(*task, iterations=20, batch_size=8, topology=Topology(servers=1), sync=Rare(9))
    after = sum(it.sum(dtype=np.float64) for it in (*nn.weights, *nn.biases))
    pushed = [value for _, value in history.metrics["sum"]]
    assert len(pushed) == 20
    assert after - before == pytest.approx(sum(pushed), abs=1e-4)
    assert abs(sum(pushed)) > 1e-2


@pytest.mark.parametrize("options", [{}, {"optimizer": SGD(clip_value=0.01)}, {"precision": "float64"}])
@pytest.mark.parametrize("servers", [1, 2])
def test_servers_make_the_steps_of_one_worker(build, task, options, servers):
    """Also with an optimizer, which makes its step of the update in place, and in double precision."""
    alone, served = build(**options), build(**options)
    alone.fit(*task, iterations=6, batch_size=8)
    topology = Topology(servers=servers)
    served.fit(*task, iterations=6, batch_size=8, topology=topology, sync=StaleSynchronous(0))
    for one, other in zip(alone.weights, served.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


class Lazy(ParameterServer):
    """Every second step only: the workers' clocks fall behind the steps."""

    def on_update(self, ctx, update):
        if ctx.step % 2:
            super().on_update(ctx, update)


def test_a_synchronous_strategy_may_push_less_than_every_step(build, task):
    nn = build()
    before = nn.evaluate(*task).loss
    nn.fit(*task, epochs=3, batch_size=8, workers=2, processes=1, sync=Lazy())
    assert nn.evaluate(*task).loss < before


INTERRUPTED = textwrap.dedent("""
    import sys, numpy as np
    from horn.models import Downpour, NeuralNetwork
    from horn.neurons import CrossEntropy, Softmax

    def rate(progress, step):
        if step == 3:
            print("running", file=sys.stderr, flush=True)
        return 0.01

    x = np.random.default_rng(5).normal(size=(40, 6)).astype(np.float32)
    y = x[:, :3].argmax(axis=1)
    nn = NeuralNetwork(learning_rate=rate, engine="interpreter")
    nn.input_layer(6)
    nn.output_layer(3, Softmax, cost=CrossEntropy)
    before = nn.weights[0].copy()
    try:
        nn.fit(x, y, iterations=10**7, batch_size=8, workers=2, processes=1, sync=Downpour(2, 2))
    except KeyboardInterrupt:
        print(nn.history.stopped, len(nn.history) == nn.step > 3, not np.array_equal(nn.weights[0], before), flush=True)
    nn.fit(x, y, iterations=2, batch_size=8)
""")


def test_ctrl_c_ends_asynchronous_training_and_keeps_what_the_servers_have(tmp_path):
    (tmp_path / "script.py").write_text(INTERRUPTED)
    process = subprocess.Popen(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert "running" in process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
    assert (out, process.returncode) == ("interrupted True True\n", 0), err
