"""Which supply of batches a peer gets: from examples or a stream, changed by the user's function, ahead of time."""

from __future__ import annotations

from ..feeding.augmentation import Augmentation
from ..feeding.batches import Feed, Supply
from ..feeding.handles import TrainingData
from ..feeding.prefetch import Prefetch
from ..feeding.streamed import Streamed
from ..feeding.streaming import StreamFeed
from ..parts import Share
from ..plans.plan import Plan


def new_supply(plan: Plan, data: TrainingData, peer: int) -> Supply:
    """The batches of one peer; to be closed.

    Args:
        plan: the plan of the job.
        data: what is trained on.
        peer: its index.
    """
    augmentation = None if plan.augment is None else Augmentation(plan.augment, plan.seed)
    ahead = pays(data, augmentation is not None) if plan.prefetch is None else plan.prefetch
    ahead &= not plan.strategy.properties.shared_budget  # nobody knows which batch is the next
    buffers = 2 if ahead else 1
    own = plan.own(peer)
    supply: Supply
    if isinstance(data, Streamed):
        share = Share(plan.workers, own, plan.submodels)
        supply = StreamFeed(data, plan.order, share, augmentation, buffers)
    else:
        supply = Feed(data, plan.order, plan.workers, own, plan.submodels, augmentation, buffers)
    return Prefetch(supply, plan.first_step + plan.iterations) if ahead else supply


def pays(data: TrainingData, augmented: bool) -> bool:
    """Whether to gather ahead where nobody has said."""
    return augmented or isinstance(data, Streamed) or data.features.elsewhere
