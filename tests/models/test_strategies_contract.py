"""One contract for all strategies: `check_strategy`, which users run on their own."""

import numpy as np
import pytest

from horn.models import (
    AllReduce,
    Compressed,
    Downpour,
    EightBit,
    ElasticAveraging,
    Gossip,
    Hybrid,
    LocalSGD,
    ModelAveraging,
    ParameterServer,
    Properties,
    SandblasterLBFGS,
    StaleSynchronous,
    StrategyCheckFailed,
    SyncStrategy,
    TopK,
    Topology,
    check_strategy,
)

all_strategies = {
    "AllReduce": AllReduce(),
    "ModelAveraging": ModelAveraging(2),
    "ParameterServer": ParameterServer(),
    "Downpour": Downpour(push_every=2, pull_every=3),
    "StaleSynchronous": StaleSynchronous(bound=2),
    "ElasticAveraging": ElasticAveraging(every=4),
    "Gossip": Gossip(every=2),
    "LocalSGD": LocalSGD(every=4),
    "Hybrid": Hybrid(),
    "SandblasterLBFGS": SandblasterLBFGS(),
    "top-k AllReduce": Compressed(AllReduce(), TopK(0.2)),
    "8 bit Downpour": Compressed(Downpour(push_every=4, pull_every=2), EightBit()),
}
TOPOLOGIES = {"Hybrid": Topology(groups=2, replicas=2, servers=2)}


@pytest.mark.parametrize("name", all_strategies)
def test_it_keeps_what_it_declares(name):
    check_strategy(all_strategies[name], topology=TOPOLOGIES.get(name), workers=5, processes=1)


class Forgetful(SyncStrategy):
    """Keeps from step to step what `state` does not give."""

    def setup(self, ctx):
        self.velocity = np.zeros_like(ctx.params)

    def on_update(self, ctx, update):
        self.velocity += ctx.replicas.allreduce(update)
        return self.velocity / 8


class HalfRestored(Forgetful):
    def state(self):
        return {"velocity": self.velocity}


class NoArrays(HalfRestored):
    def state(self):
        return {"velocity": self.velocity.tolist()}


class Doubled(SyncStrategy):
    properties = Properties(serial_equivalent=True)

    def on_update(self, ctx, update):
        return 2 * ctx.replicas.allreduce(update)


class Undetermined(SyncStrategy):
    def on_update(self, ctx, update):
        noise = np.random.default_rng().uniform(0.9, 1.1)
        return ctx.replicas.broadcast(np.float32(noise)) * ctx.replicas.allreduce(update)


class Backwards(SyncStrategy):
    def on_update(self, ctx, update):
        return -ctx.replicas.allreduce(update)


BROKEN = {
    "Forgetful goes on elsewhere, .* must be in state": Forgetful(),
    "HalfRestored: state.* is another state: .*velocity": HalfRestored(),
    r"NoArrays.state\(\) has 'velocity': \[.* arrays of numbers": NoArrays(),
    "Doubled declares serial_equivalent, and its weights end": Doubled(),
    "Undetermined declares synchronous, and two runs": Undetermined(),
    "Backwards does not learn: the loss was .* \\(with many workers\\)": Backwards(),
}


@pytest.mark.parametrize("text", BROKEN)
def test_what_does_not_hold_is_named(text):
    with pytest.raises(StrategyCheckFailed, match=text):
        check_strategy(BROKEN[text], workers=1, epochs=3)  # in this process


def test_the_state_is_taken_in_the_middle():
    with pytest.raises(ValueError, match="epochs must be at least 3, got 2"):
        check_strategy(AllReduce(), epochs=2)
