"""Training in processes: the same work, hence the same weights, for any number of workers."""

import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from horn.bsp import BSPJob, PeerFailed, PeerLost
from horn.models import (
    AllReduce,
    ConstantSchedule,
    Convergence,
    NeuralNetwork,
    SyncStrategy,
    Topology,
    TrainingDiverged,
    WorkerLost,
)
from horn.models.plans.plan import Plan
from horn.models.training import parallel
from horn.neurons import CrossEntropy, Identity, Softmax, SquaredError


class Stopped(BSPJob):
    """Told to stop a second time, before any peer has told anything."""

    def run(self):
        self.values = [None] * 2
        raise KeyboardInterrupt


def test_a_second_ctrl_c_leaves_the_network_as_it_was(build, task, same_weights, monkeypatch):
    nn, before = build(), build()
    monkeypatch.setattr(parallel, "BSPJob", Stopped)
    with pytest.raises(KeyboardInterrupt):
        nn.fit(*task, iterations=3, batch_size=8, workers=2)
    assert same_weights(nn, before)
    assert (nn.step, nn.history) == (0, None)


@pytest.mark.parametrize(("workers", "processes"), [(2, 2), (3, 3), (20, 2)])
def test_any_number_of_workers_does_the_same(build, task, same_weights, workers, processes):
    alone, together = build(max_norm=1.0, regularization=0.01), build(max_norm=1.0, regularization=0.01)
    one = alone.fit(*task, epochs=2, batch_size=22, validation=task)
    many = together.fit(*task, epochs=2, batch_size=22, validation=task, workers=workers, processes=processes)
    assert same_weights(alone, together, atol=1e-6)
    assert many.loss == pytest.approx(one.loss, rel=1e-5)
    assert many.accuracy == one.accuracy
    assert many.learning_rate == one.learning_rate
    assert [(v.iteration, v.accuracy) for v in many.validation] == [(v.iteration, v.accuracy) for v in one.validation]
    assert together.step == alone.step == 4


def test_fits_alone_and_in_processes_follow_each_other(build, task, same_weights):
    alone, mixed = build(), build()
    alone.fit(*task, iterations=9, batch_size=7)
    for iterations, workers in ((2, 2), (4, 1), (3, 2)):
        mixed.fit(*task, iterations=iterations, batch_size=7, workers=workers)
    assert same_weights(alone, mixed, atol=1e-6)


def test_the_same_run_gives_the_same_bits(build, task, same_weights):
    networks = [build(), build()]
    for nn in networks:
        nn.fit(*task, iterations=5, batch_size=11, workers=3, processes=2, submodels=True)
    assert same_weights(*networks)


def test_each_worker_has_a_submodel_of_its_own(build, task, same_weights):
    """Two peers with three workers each draw as three peers with two: the worker counts, not the peer."""
    two, three, whole = build(), build(), build()
    two.fit(*task, iterations=3, batch_size=24, workers=6, processes=2, submodels=True)
    three.fit(*task, iterations=3, batch_size=24, workers=6, processes=3, submodels=True)
    whole.fit(*task, iterations=3, batch_size=24, workers=6, processes=2)
    assert same_weights(two, three, atol=1e-6)
    assert not same_weights(two, whole, atol=1e-4)


@pytest.mark.parametrize("engine", ["interpreter", "compiled"])
def test_nested_masks_lie_within_the_workers(build, task, same_weights, engine):
    """By workers, not by peers; other masks than those of each example, or of each worker."""
    alone, two, whole, single = (build(engine=engine) for _ in range(4))
    alone.fit(*task, iterations=3, batch_size=24, workers=2, processes=1, submodels="nested", verbose=0)
    two.fit(*task, iterations=3, batch_size=24, workers=2, processes=2, submodels="nested", verbose=0)
    whole.fit(*task, iterations=3, batch_size=24, verbose=0)
    single.fit(*task, iterations=3, batch_size=24, workers=2, processes=1, submodels=True, verbose=0)
    assert same_weights(alone, two, atol=1e-6)
    assert not same_weights(alone, whole, atol=1e-4)
    assert not same_weights(alone, single, atol=1e-4)


def test_a_last_batch_with_fewer_examples_than_workers(build, task, same_weights):
    alone, together = build(), build()
    alone.fit(*task, epochs=1, batch_size=39)
    together.fit(*task, epochs=1, batch_size=39, workers=3, processes=3)
    assert same_weights(alone, together, atol=1e-6)


def test_a_network_smaller_than_its_shards(task, same_weights):
    def network():
        nn = NeuralNetwork(engine="interpreter")
        nn.input_layer(6)
        nn.output_layer(1, cost=SquaredError)
        return nn

    alone, together = network(), network()
    for nn, workers in ((alone, 1), (together, 3)):
        nn.fit(task[0], task[0][:, 0], iterations=3, batch_size=8, workers=workers, processes=workers)
    assert same_weights(alone, together, atol=1e-6)


def test_memory_mapped_files_are_mapped_in_every_process(build, task, same_weights, tmp_path):
    rows = np.concatenate([task[0]] * 2)
    np.save(tmp_path / "x.npy", rows)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    for x, y in ((mapped, np.tile(task[1], 2)), (mapped[40:], task[1])):
        nn, other = build(), build()
        nn.fit(x, y, iterations=3, batch_size=8, workers=2)
        other.fit(np.array(x), y, iterations=3, batch_size=8, workers=2)
        assert same_weights(nn, other)


def test_the_loss_converges_in_all_processes(build, task):
    history = build(learning_rate=0).fit(
        *task, iterations=50, batch_size=8, workers=2, convergence=Convergence(tol=10.0, window=3), validation=task
    )
    assert (history.stopped, len(history)) == ("converged", 6)


def test_divergence_and_failures_change_nothing(task):
    nn = NeuralNetwork(learning_rate=1e30, engine="interpreter")
    nn.input_layer(6)
    nn.output_layer(3, Identity, cost=SquaredError)
    before = nn.weights[0].copy()
    with pytest.raises(TrainingDiverged):
        nn.fit(*task, iterations=50, batch_size=8, workers=2)
    nn.learning_rate = lambda progress, step: 0.1 if step < 2 else math.nan
    with pytest.raises(PeerFailed, match=r"learning_rate at progress 0.5, step 2"):
        nn.fit(*task, iterations=4, batch_size=8, workers=2)
    assert np.array_equal(nn.weights[0], before)
    assert nn.step == 0


class KillOne:
    """A schedule that kills the process that comes to step 3 first."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag

    def __call__(self, progress: float, step: int) -> float:
        if step == 3:
            try:
                self.flag.touch(exist_ok=False)
            except FileExistsError:
                return 0.1
            self.flag.write_text(str(time.time()))
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.1


def test_a_killed_worker_is_named_within_a_second(build, task, same_weights, tmp_path):
    nn = build(learning_rate=KillOne(tmp_path / "killed"))
    with pytest.raises(WorkerLost, match=r"workers .* of 4 died: .*SIGKILL") as caught:
        nn.fit(*task, iterations=1000, batch_size=8, workers=4, processes=2)
    assert time.time() - float((tmp_path / "killed").read_text()) < 1
    assert isinstance(caught.value, PeerLost)
    assert caught.value.workers in ((0, 1), (2, 3))
    assert caught.value.exit_code == -signal.SIGKILL
    assert same_weights(nn, build())
    nn.learning_rate = 0.1
    nn.fit(*task, iterations=4, batch_size=8, workers=2)


def test_plan_divides_workers_and_parameters(build):
    nn = build()
    fields = dict.fromkeys(Plan.__dataclass_fields__)
    fields |= {"spec": nn.spec, "topology": Topology(replicas=7), "processes": 3, "schedule": ConstantSchedule(0.1)}
    plan = Plan(**{**fields, "strategy": AllReduce()})
    assert [plan.own(peer) for peer in range(plan.peers)] == [range(3), range(3, 5), range(5, 7)]
    assert [plan.shard(peer) for peer in range(3)] == [(0, 32), (32, 48), (48, 53)]
    plan = Plan(**{**fields, "strategy": SyncStrategy()})
    assert plan.peers == 7
    assert plan.own(4) == range(4, 5)


SCRIPT = """
import sys
import numpy as np
from horn.models import NeuralNetwork
from horn.neurons import CrossEntropy, Identity, Neuron, Softmax

SLOPE = 0.5
SCALES = np.ones(5)
SCALES[:] = 0.5, 1, 0.25, 2, 0.75  # arrays travel as they are when fit begins

def bent(value):
    return value if value > 0 else SLOPE * value

class Bent(Neuron):
    def forward(self, messages):
        total = 0.0
        for m in messages:
            total += m.input * m.weight
        self.feedforward(bent(self.activation(total) * SCALES[self.index]))

    def backward(self, messages):
        gradient = 0.0
        for m in messages:
            gradient += m.input_gradient
            self.push(-self.learning_rate * m.weight_gradient + self.momentum * m.prev_weight)
        self.backpropagate(gradient * SCALES[self.index] * (1.0 if self.output > 0 else SLOPE))

x = np.random.default_rng(5).normal(size=(40, 6)).astype(np.float32)
y = x[:, :3].argmax(axis=1)
results = []
for workers in (1, 2):
    nn = NeuralNetwork(engine=sys.argv[1])
    nn.input_layer(6)
    nn.add_layer(5, Identity, Bent)
    nn.output_layer(3, Softmax, cost=CrossEntropy)
    nn.fit(x, y, iterations=5, batch_size=8, workers=workers)
    results.append(nn.predict(x))
assert np.allclose(*results, atol=1e-5)
print("trained", flush=True)
"""


def run(arguments: list[str], folder: Path, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=90, check=False, **options)


def test_a_script_without_a_guard_trains_neurons_of_its_own(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "models").mkdir()  # a user's own folder of that name is not Horn's
    done = run(["script.py", "interpreter"], tmp_path)
    assert (done.stdout, done.returncode) == ("trained\n", 0), done.stderr


def test_a_program_from_standard_input_trains_neurons_of_its_own(tmp_path):
    done = run(["-", "interpreter"], tmp_path, input=SCRIPT)
    assert (done.stdout, done.returncode) == ("trained\n", 0), done.stderr


NOTEBOOK = """
import linecache, sys

# what IPython does with a cell
lines = sys.stdin.read().splitlines(keepends=True)
helper = next(number for number, line in enumerate(lines) if line.startswith("class"))
for name, cell in (("/notebook/1.py", lines[:helper]), ("/notebook/2.py", lines[helper:])):
    linecache.cache[name] = (len(cell), None, cell, name)
    exec(compile("".join(cell), name, "exec"))
"""


def test_the_cells_of_a_notebook_train_neurons_of_their_own(tmp_path):
    (tmp_path / "notebook.py").write_text(NOTEBOOK)
    done = run(["notebook.py", "compiled"], tmp_path, input=SCRIPT)
    assert (done.stdout, done.returncode) == ("trained\n", 0), done.stderr


INTERRUPTED = textwrap.dedent("""
    import sys, numpy as np
    from horn.models import NeuralNetwork
    from horn.neurons import CrossEntropy, Softmax

    def rate(progress, step):
        if step == 3:
            print("running", file=sys.stderr, flush=True)
        return 0.01

    x = np.random.default_rng(5).normal(size=(40, 6)).astype(np.float32)
    y = x[:, :3].argmax(axis=1)
    def network():
        nn = NeuralNetwork(learning_rate=rate, engine="interpreter")
        nn.input_layer(6, keep=0.5)
        nn.output_layer(3, Softmax, cost=CrossEntropy)
        return nn

    nn = network()
    try:
        nn.fit(x, y, iterations=10**7, batch_size=8, workers=int(sys.argv[1]), validation=(x, y), validate_every=10**6)
    except KeyboardInterrupt:
        steps = nn.step
    again = network()
    again.fit(x, y, iterations=steps, batch_size=8)
    assert len(nn.history) == steps > 3 and nn.history.stopped == "interrupted"
    assert np.allclose(nn.weights[0], again.weights[0], atol=1e-4)
    nn.fit(x, y, iterations=2, batch_size=8)
    assert nn.step == steps + 2
    print("kept", flush=True)
""")


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_keeps_the_completed_iterations(tmp_path, workers):
    (tmp_path / "script.py").write_text(INTERRUPTED)
    process = subprocess.Popen(
        [sys.executable, "script.py", str(workers)],
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
    assert (out, process.returncode) == ("kept\n", 0), err


def test_the_networks_of_a_job_may_end_in_softmax(task):
    """A normalization travels to the processes like everything else."""
    nn = NeuralNetwork(engine="interpreter")
    nn.input_layer(6)
    nn.add_layer(4, Identity, interlayer=lambda output: output - output.mean())
    nn.output_layer(3, Softmax, cost=CrossEntropy)
    assert len(nn.fit(*task, iterations=3, batch_size=8, workers=2)) == 3
