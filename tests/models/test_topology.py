"""Topologies: who does what, what does not fit, and that every arrangement trains."""

import json

import numpy as np
import pytest

from horn.bsp.placement import Placement
from horn.models import (
    Adam,
    AllReduce,
    Convergence,
    Downpour,
    ParameterServer,
    SyncStrategy,
    Topology,
    TrainingDiverged,
)
from horn.models.feeding.batches import Order, Place
from horn.models.plans.plan import Looks
from horn.models.topology import ServerRole, WorkerRole
from horn.models.training.options import FitOptions
from horn.models.watching.history import ValidationRecord
from horn.models.watching.notes import Notes, history_of


def test_peers_are_numbered_group_by_group_and_servers_come_last():
    topology = Topology(groups=2, replicas=2, tasks=2)
    roles = [topology.role(peer) for peer in range(topology.peers)]
    assert roles == [WorkerRole(g, r, t) for g in range(2) for r in range(2) for t in range(2)]
    assert (topology.workers, topology.trainers, topology.peers) == (4, 8, 8)
    assert json.loads(json.dumps(topology.told()))["roles"][5] == "group 1, replica 0, task 1"
    served = Topology(groups=2, servers=3)
    assert [served.role(peer) for peer in range(2, 5)] == [ServerRole(server) for server in range(3)]
    assert list(served.server_peers) == [2, 3, 4]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"groups": 0}, "groups must be at least 1, got 0"),
        ({"servers": -1}, "servers must be at least 0, got -1"),
        ({"tasks": 2, "servers": 2}, "servers=2 serve replicas that are whole"),
        ({"replicas": 1.5}, "replicas must be a whole number"),
    ],
)
def test_numbers_that_make_no_topology_are_refused(arguments, text):
    with pytest.raises((TypeError, ValueError), match=text):
        Topology(**arguments)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"workers": 3, "topology": Topology(replicas=2)}, "workers=3 contradict"),
        ({"topology": Topology(replicas=9)}, "workers=9 are more than the batch_size=8"),
        ({"topology": Topology(replicas=2), "processes": 3}, "processes=3 are more than workers=2"),
        ({"topology": Topology(replicas=2), "sync": ParameterServer()}, "needs parameter servers"),
        ({"topology": Topology(replicas=2, servers=1), "sync": AllReduce()}, "uses no parameter servers"),
        ({"topology": Topology(groups=2)}, "groups train asynchronously of each other, and AllReduce is synchronous"),
        ({"topology": "2x2"}, r"topology must be Topology\(.*\) or None, got '2x2'"),
        ({"workers": 2, "sync": Downpour(), "convergence": Convergence()}, "Downpour is not synchronous"),
    ],
)
def test_a_topology_that_does_not_fit_is_refused(build, task, arguments, text):
    with pytest.raises((TypeError, ValueError), match=text):
        build().fit(*task, iterations=1, batch_size=8, **arguments)


def test_servers_have_processes_of_their_own(build, task):
    nn = build()
    options = dict.fromkeys(FitOptions.__dataclass_fields__)
    options |= {"iterations": 1, "batch_size": 8, "shuffle": True, "sampling": "epoch", "workers": 5, "processes": 2}
    options |= {"submodels": False, "sync": ParameterServer(), "barrier": "auto", "verbose": 0, "blas_threads": 1}
    options |= {"on_nonfinite": "stop"}
    plan = FitOptions(**options).plan(nn._require_state(), 40, "interpreter", 1, 0.9, lambda progress, step: 0.1)
    assert plan.sizes == [3, 2, 1]
    placement = Placement.of(plan.peers, plan.sizes)
    assert [str(plan.topology.role(peer)) for peer in placement.ranks(2)] == ["server 0"]


@pytest.mark.parametrize("servers", [1, 3])
def test_parameter_servers_make_the_step_of_one_worker(build, task, same_weights, servers):
    alone, served = build(regularization=0.01), build(regularization=0.01)
    alone.fit(*task, epochs=2, batch_size=12, validation=task)
    topology = Topology(replicas=3, servers=servers)
    served.fit(*task, epochs=2, batch_size=12, topology=topology, sync=ParameterServer(), validation=task)
    assert same_weights(alone, served, atol=1e-6)
    assert served.history.loss == pytest.approx(alone.history.loss, rel=1e-5)
    assert [v.iteration for v in served.history.validation] == [v.iteration for v in alone.history.validation]
    for one, other in zip(alone.history.validation, served.history.validation, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-5)


@pytest.mark.parametrize("topology", [Topology(replicas=1, servers=1), Topology(groups=2, replicas=2, servers=2)])
def test_work_that_is_shared_is_done_once(build, task, topology):
    nn = build(learning_rate=0.02)  # small enough for parameters as old as they get
    before = nn.evaluate(*task).loss
    nn.fit(*task, epochs=8, batch_size=9, topology=topology, sync=Downpour(), validation=task, validate_every=7)
    history = nn.history
    assert len(history) == 8 * 5 == nn.step
    assert len(history.learning_rate) == len(history.time) == 40
    assert [v.iteration for v in history.validation][-1] == 40
    assert history.validation[-1].loss == pytest.approx(nn.evaluate(*task).loss, rel=1e-6)
    assert history.validation[-1].loss < before


class Counting(Downpour):
    """Counts the examples that each worker computes, at the servers."""

    def on_update(self, ctx, update):
        update.fill(0.0)
        update[0] = ctx.weight
        return super().on_update(ctx, update)

    def serve(self, store, source, update):
        store.params += update


def test_every_example_is_computed_by_one_worker_of_a_batch(build, task):
    nn = build()
    nn.weights = [0 * weights for weights in nn.weights]
    nn.biases = [0 * biases for biases in nn.biases]
    nn.fit(*task, epochs=3, batch_size=11, topology=Topology(groups=3, servers=1), sync=Counting())
    assert nn.biases[0][0] == 3 * 40


class Poisoned(SyncStrategy):
    """Replicas on their own; the weights of the second become NaN."""

    properties = Downpour.properties

    def before_step(self, ctx):
        if ctx.world.index == 1 and ctx.step == 3:
            ctx.params.fill(np.nan)


def test_a_worker_whose_loss_is_not_finite_is_named(build, task, same_weights):
    nn, before = build(), build()
    with pytest.raises(TrainingDiverged, match=r"the loss of iteration 3 is not finite in worker 1"):
        nn.fit(*task, iterations=9, batch_size=8, topology=Topology(groups=2, servers=1), sync=Own())
    assert same_weights(nn, before)


class Own(Poisoned):
    properties = Downpour.properties._replace(shared_budget=False)


def test_a_walk_finds_the_places_of_iterations():
    order = Order(examples=10, batch_size=4, seed=1)
    walk, place = order.walk(Place(2, 3)), Place(2, 3)
    found = {}
    for iteration in range(9):
        found[iteration] = place
        place = order.after(place)
    assert [walk.place(iteration) for iteration in (0, 0, 2, 5, 8)] == [found[i] for i in (0, 0, 2, 5, 8)]


def test_looks_come_when_their_time_has_come():
    looks = Looks(10)
    assert [begun for begun in (0, 9, 10, 11, 19, 35, 36, 40) if looks.due(begun)] == [10, 35, 40]


def test_notes_of_all_replicas_make_one_history():
    look = ValidationRecord(1, 0.5, 0.5, 0.1)
    first = Notes([(0, 6.0, 2, 4, 0.1), (1, 4.0, 4, 4, 0.4)], [0.3, 0.2], {"staleness": [(1, 2.0)]}, [look])
    second = Notes([(0, 2.0, 1, 4, 0.3), (2, 0.0, 0, 0, 0.5)], [0.3, 0.1], {"staleness": [(1, 9.0)]}, [])
    history = history_of([first, second], first_step=7)
    assert history.loss[:2] == [1.0, 1.0]
    assert history.accuracy[:2] == [3 / 8, 1.0]
    assert np.isnan([history.loss[2], history.accuracy[2]]).all()  # no part of it counts
    assert history.time == [0.3, 0.4, 0.5]
    assert history.learning_rate == [0.3, 0.2, 0.1]
    assert (history.metrics, history.validation, history.first_step) == ({"staleness": [(1, 2.0)]}, [look], 7)


@pytest.mark.parametrize("engine", ["interpreter", "compiled"])
def test_a_network_divided_over_tasks_trains_as_the_whole(build, task, same_weights, engine):
    whole, divided = (build(engine=engine, regularization=0.01, max_norm=1.0) for _ in range(2))
    whole.fit(*task, epochs=2, batch_size=12, validation=task)
    divided.fit(*task, epochs=2, batch_size=12, topology=Topology(replicas=2, tasks=3), processes=2, validation=task)
    assert same_weights(whole, divided, atol=2e-6)
    assert divided.history.loss == pytest.approx(whole.history.loss, rel=1e-5)
    assert divided.history.validation[-1].loss == pytest.approx(whole.history.validation[-1].loss, rel=1e-5)
    assert np.allclose(divided._require_state().previous, whole._require_state().previous, atol=2e-6)


def test_an_optimizer_steps_each_tasks_share(build, task, same_weights):
    whole, divided = (build(learning_rate=0.01, optimizer=Adam(clip_norm=0.05)) for _ in range(2))
    for nn, arguments in ((whole, {}), (divided, {"topology": Topology(tasks=2)})):
        nn.fit(*task, iterations=3, batch_size=12, **arguments)
        nn.fit(*task, iterations=2, batch_size=12, **arguments)  # goes on with what the optimizer keeps
    assert same_weights(whole, divided, atol=2e-6)


def test_a_network_too_small_for_its_tasks_is_refused(build, task):
    with pytest.raises(ValueError, match=r"has 3 neurons, too few for tasks=4"):
        build().fit(*task, iterations=1, batch_size=12, topology=Topology(tasks=4))
