"""A layer before receivers that are no weighted sums: which of their derivatives it needs, and when."""

from __future__ import annotations

from dataclasses import dataclass

from ..emission.modules import LayerCode
from ..operations.operation import Method


@dataclass(frozen=True)
class Through:
    """The receivers' part in a layer's `backward`.

    Args:
        before: what its own kernels read: the sums. With the pushes where these need nothing of its kernels.
        after: the pushes, where the kernels give their factors.
    """

    before: Method
    after: Method

    @classmethod
    def of(cls, senders: LayerCode, receivers: LayerCode, *, first: bool) -> Through:
        """The part of `receivers`.

        Args:
            senders: the layer.
            receivers: the next one.
            first: True for the layer of the inputs, of which nobody needs the delta.
        """
        sweeps = receivers.sweeps
        assert sweeps is not None
        summed = senders.push_sums if first else senders.backward_sums
        if senders.analysis.scale is not None:
            return cls((sweeps.to_both if summed else sweeps.to_weights,), ())
        by_factors = (sweeps.to_weights_by_factors,) if senders.gradients is not None else ()
        return cls((sweeps.to_inputs,) if summed else (), by_factors)
