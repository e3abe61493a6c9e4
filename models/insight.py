"""Looking into a network: its layers, what they are compiled to, where its steps spend their time.

The compiler is named as ``neurons.…``, so that it is not imported before it is asked for.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from horn import neurons
from horn.neurons import NeuronError, Rates

from . import checks
from .contents import HeldNetwork
from .feeding.batches import START, Feed, Order
from .feeding.examples import as_examples
from .feeding.features import Sliceable
from .structure.summary import summary
from .threads import blas_threads as limited


class TransparentNetwork(HeldNetwork):
    """A network that tells what it is made of and how fast it is."""

    seed: int

    @property
    @abstractmethod
    def engine(self) -> str:
        """Name of the engine."""

    @abstractmethod
    def _rates(self) -> Rates:
        """Those of the next step."""

    def summary(self) -> str:
        """A table of the layers: units, activation, neuron, parameters."""
        return summary(self._require_state().spec)

    def explain(
        self, layer: int | None = None, *, batch_size: int = 100, submodels: bool = False
    ) -> neurons.Explanation:
        """What each method was compiled to and why not better, and what a training step does: ``print(nn.explain())``.

        Nothing is computed, and nothing of the network changes. A step is that of one worker.

        Args:
            layer: index of the one layer to tell about, as in `summary`; None for all.
            batch_size: examples of a batch.
            submodels: True: one dropout mask for a whole batch.

        Returns:
            The explanation: `str` of it is a text to read, `as_dict()` is for JSON.

        Raises:
            TypeError, ValueError: bad arguments, or no output layer yet.
            NeuronError: a class that cannot be compiled.
        """
        state, examples = self._require_state(), checks.require_count("batch_size", batch_size)
        checks.require_flag("submodels", submodels)
        if layer is not None:
            layer = checks.require_count("layer", layer, least=0)
        return neurons.explain_network(state.spec, examples, rates=self._rates(), layer=layer, submodels=submodels)

    def profile(
        self,
        x: Sliceable,
        y: Any,
        *,
        batch_size: int,
        steps: int = 50,
        submodels: bool = False,
        blas_threads: int = 1,
    ) -> neurons.Profile:
        """How long each operation of a training step takes, beside what could be expected of it on this machine.

        The steps are made on a copy: nothing of the network changes.

        Args:
            x: inputs, as for `fit`.
            y: labels or targets, as for `fit`.
            batch_size: examples of a batch.
            steps: how many to measure, after a few to warm up.
            submodels: True: one dropout mask for a whole batch.
            blas_threads: threads of the BLAS and of large kernels.

        Returns:
            The profile: `str` of it is a table, `as_dict()` is for JSON.

        Raises:
            TypeError, ValueError: bad input.
            NeuronError: the interpreter runs the network, or a class cannot be compiled or trained.
        """
        checks.require_flag("submodels", submodels)
        state = self._require_state()
        features, units = state.spec.layers[0].units, state.spec.layers[-1].units
        examples = as_examples(x, y, features, units)
        size, steps = checks.require_count("batch_size", batch_size), checks.require_count("steps", steps)
        threads = checks.require_count("blas_threads", blas_threads)
        if self.engine != "compiled":
            raise NeuronError(
                f"profile measures what the compiler made, and this network is run by the {self.engine}: set "
                'nn.engine = "compiled"'
            )
        # With replacement every batch is of one size, however few examples there are.
        feed = Feed(examples, Order(len(examples), size, self.seed, sampling="replacement"), 1, range(1), submodels)
        with limited(threads):
            return neurons.profile_network(
                state.spec,
                state.parameters,
                state.previous,
                lambda number: feed.batch(START, state.step + number),
                self._rates(),
                seed=self.seed,
                steps=steps,
            )
