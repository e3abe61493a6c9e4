"""What `fit` is given to learn from, checked and converted."""

from __future__ import annotations

import logging
from typing import Any

from horn.neurons import NetworkSpec, draws_masks

from ..checks import require_pair
from ..data import Stream
from ..feeding.examples import Examples, as_examples
from ..feeding.features import Sliceable
from ..feeding.handles import TrainingData
from ..feeding.training_data import training_data
from .options import FitOptions

log = logging.getLogger("horn.models")


def fit_inputs(
    x: Sliceable | Stream,
    y: Any,
    sample_weight: Any,
    validation: tuple[Sliceable, Any] | None,
    options: FitOptions,
    spec: NetworkSpec,
) -> tuple[TrainingData, Examples | None]:
    """What to train on, and what to look at; warns of what is probably meant otherwise.

    Args:
        x: inputs, or a stream of them and their labels, as for `NeuralNetwork.fit`.
        y: labels or targets.
        sample_weight: what each example counts, or None.
        validation: inputs and labels to look at, or None.
        options: the other arguments of `fit`.
        spec: the network.

    Raises:
        TypeError, ValueError: bad input, or a stream that is to be sampled.
    """
    features, units = spec.layers[0].units, spec.layers[-1].units
    if isinstance(x, Stream) and options.sampling != "epoch":
        raise ValueError('a Stream is read from the beginning to the end: sampling="replacement" needs arrays')
    examples = training_data(x, y, sample_weight, features, units)
    if examples.looks_unscaled:
        log.warning("x holds bytes above 1 and is used as it is; ScaledArray(x, 1 / 255) scales rows as they are used")
    looked_at = None
    if validation is not None:
        xv, yv = require_pair("validation", validation)
        looked_at = as_examples(xv, yv, features, units, ("validation x", "validation y"))
    if options.submodels and not draws_masks(spec):
        log.warning(
            "submodels=%r changes nothing: no layer draws with self.binomial, as DropoutNeuron does; name "
            "neuron=DropoutNeuron for the layers that are to drop, or leave submodels out",
            options.submodels,
        )
    return examples, looked_at
