"""What every generated module begins with."""

from __future__ import annotations

_HEADER = '''"""{title}

{listing}
"""
import math

import numpy as np
from numpy import bool_, int64

{mathematics}
from horn.neurons.aligned import scratch
from horn.neurons.whole import add, multiply, place, subtract
from horn.neurons.jit import kernel, summing_kernel
from horn.neurons.random import BACKWARD, FORWARD, bernoulli_of, binomial_of, joint, nested_words, normal, shared_word
from horn.neurons.random import uniform, uniform_of, words

real = np.{precision}
u32 = np.uint32
ZERO = real(0.0)
ONE = real(1.0)

'''
#: Where kernels find `exp` and the like. The fast ones are of float32.
_MATHEMATICS = {"float32": "from horn.neurons import mathematics", "float64": "import math as mathematics"}


def header(title: str, listing: str, precision: str) -> str:
    """The text before the functions.

    Args:
        title: what they are.
        listing: what they were made of.
        precision: what they compute in, by NumPy's name.
    """
    return _HEADER.format(title=title, listing=listing, precision=precision, mathematics=_MATHEMATICS[precision])
