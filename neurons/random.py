"""Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11).

A draw is a pure function of a key and a counter, so that it is the same in the interpreter and in compiled code, for
any number of threads, processes and workers, and nothing has to be stored or advanced:

    key      the seed, mixed with the phase (training, prediction)
    counter  neuron id / 4, the remainder choosing one of the four words that come of it; position of the example in
             the job's batch (its worker, for sub-models); step; method and number of the draw within the method's run
             for that neuron and example

A *nested* draw has two words, its worker's W and the example's own E, both uniform on [0, 1). ``max(W, E)²`` is uniform
as well, and below p exactly where both are below √p: so one number stands for a trial that succeeds where the worker's
and the example's do, each with probability √p, and what the worker's word alone excludes is excluded for all.

A synapse's draw takes the receiver's id for the neuron's, and the key is mixed with the sender's.

The functions are compiled by numba and called by the kernels that the compiler emits and by the interpreter alike.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .jit import device

_U32 = np.uint32
_U64 = np.uint64

#: Phases, mixed into the key.
TRAIN, PREDICT = 0, 1
#: Methods, the upper bits of the last counter word; the lower ones number the draws.
FORWARD, BACKWARD = 0, 1 << 28
#: Marks the second word of a draw that needs two.
_SECOND = 1 << 27
#: Marks the example's own word of a nested draw.
_OWN = 1 << 26
#: Takes the place of method and number in the draws of synapses, each of which has one.
_SYNAPSE = 1 << 25


def key(seed: int, phase: int) -> tuple[np.uint32, np.uint32]:
    """The Philox key of a seed and a phase: SplitMix64 of both, as two 32-bit words.

    Args:
        seed: any integer; taken modulo 2**63.
        phase: TRAIN or PREDICT.
    """
    mask = (1 << 64) - 1
    mixed = (seed * 2 + phase + 0x9E3779B97F4A7C15) & mask
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & mask
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
    mixed ^= mixed >> 31
    return np.uint32(mixed & 0xFFFFFFFF), np.uint32(mixed >> 32)


@device
def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Any:
    """Four random words from a counter and a key, ten rounds."""
    x0, x1, x2, x3 = _U32(c0), _U32(c1), _U32(c2), _U32(c3)
    y0, y1 = _U32(k0), _U32(k1)
    for _ in range(10):
        p0 = _U64(x0) * _U64(0xD2511F53)
        p1 = _U64(x2) * _U64(0xCD9E8D57)
        x0, x1, x2, x3 = (
            _U32(_U32(p1 >> _U64(32)) ^ x1 ^ y0),
            _U32(p1),
            _U32(_U32(p0 >> _U64(32)) ^ x3 ^ y1),
            _U32(p0),
        )
        y0 = _U32(y0 + _U32(0x9E3779B9))
        y1 = _U32(y1 + _U32(0xBB67AE85))
    return x0, x1, x2, x3


@device
def word(neuron: Any, position: Any, step: Any, draw: Any, k0: Any, k1: Any) -> Any:
    """The 32 random bits of one draw. Four neurons with neighbouring ids share a Philox block."""
    w0, w1, w2, w3 = philox(_U32(neuron) >> _U32(2), position, step, draw, k0, k1)
    place = _U32(neuron) & _U32(3)
    low = w0 if place == _U32(0) else w1
    high = w2 if place == _U32(2) else w3
    return low if place < _U32(2) else high


@device
def words(row: Any, ids: Any, position: Any, step: Any, draw: Any, k0: Any, k1: Any) -> Any:
    """`word` of many neurons: every Philox block is computed once, not for each of its four neurons.

    Args:
        row: uint32 scratch, at least ``2 * (ids[-1] - ids[0] + 8)`` long.
        ids: ids of the neurons, ascending.
        position: of the example in the job's batch, or its worker.
        step: number of the training step.
        draw: method and number of the draw.
        k0: first word of the key.
        k1: second word of the key.

    Returns:
        A view of `row`: the words in the order of `ids`.
    """
    first, last = np.int64(ids[0]) >> 2, np.int64(ids[-1]) >> 2
    for block in range(last - first + 1):
        w0, w1, w2, w3 = philox(_U32(first + block), position, step, draw, k0, k1)
        row[4 * block], row[4 * block + 1], row[4 * block + 2], row[4 * block + 3] = w0, w1, w2, w3
    start = np.int64(ids[0]) - 4 * first
    count = len(ids)
    if np.int64(ids[-1]) - np.int64(ids[0]) == count - 1:
        return row[start : start + count]
    picked = row[len(row) // 2 :]
    for i in range(count):
        picked[i] = row[np.int64(ids[i]) - 4 * first]
    return picked[:count]


@device
def joint(worker: Any, own: Any) -> Any:
    """The bits of a nested draw: the square of the larger of two numbers from [0, 1)."""
    larger = max(_U64(worker), _U64(own))
    return _U32((larger * larger) >> _U64(32))


@device
def shared_word(neuron: Any, lane: Any, position: Any, nested: Any, step: Any, draw: Any, k0: Any, k1: Any) -> Any:
    """The bits of a `binomial` draw: those of its lane, joined with the example's own where draws are nested."""
    bits = word(neuron, lane, step, draw, k0, k1)
    if nested:
        bits = joint(bits, word(neuron, position, step, _U32(draw) | _U32(_OWN), k0, k1))
    return bits


@device
def nested_words(row: Any, ids: Any, lane: Any, position: Any, step: Any, draw: Any, k0: Any, k1: Any) -> Any:
    """The nested `shared_word` of many neurons; arguments as for `words`, but that `row` is twice as long."""
    half = len(row) // 2
    bits = words(row[:half], ids, lane, step, draw, k0, k1)
    own = words(row[half:], ids, position, step, _U32(draw) | _U32(_OWN), k0, k1)
    for i in range(len(ids)):
        bits[i] = joint(bits[i], own[i])
    return bits


@device
def synapse_word(sender: Any, receiver: Any, lane: Any, position: Any, nested: Any, step: Any, k0: Any, k1: Any) -> Any:
    """The bits of a synapse's draw, by the ids of the neurons at its ends; nested as `shared_word`."""
    return shared_word(receiver, lane, position, nested, step, _U32(_SYNAPSE), _U32(k0) ^ _U32(sender), k1)


@device
def synapse_words(
    row: Any, sender: Any, receivers: Any, lane: Any, position: Any, nested: Any, step: Any, k0: Any, k1: Any
) -> Any:
    """The `synapse_word` of all synapses of one sender; `row` as for `nested_words`."""
    mixed, draw = _U32(k0) ^ _U32(sender), _U32(_SYNAPSE)
    if nested:
        return nested_words(row, receivers, lane, position, step, draw, mixed, k1)
    return words(row, receivers, lane, step, draw, mixed, k1)


@device
def uniform_of(bits: Any, a: Any, b: Any) -> Any:
    """A float32 from [a, b), from the upper 24 bits."""
    unit = np.float32(bits >> _U32(8)) * np.float32(2.0**-24)
    return np.float32(a) + (np.float32(b) - np.float32(a)) * unit


@device
def bernoulli_of(bits: Any, p: Any) -> Any:
    """1 with probability `p`, else 0, as float32: ``binomial(1, p)``."""
    unit = np.float32(bits >> _U32(8)) * np.float32(2.0**-24)
    return np.float32(1.0) if unit < np.float32(p) else np.float32(0.0)


@device
def binomial_of(bits: Any, n: Any, p: Any) -> Any:
    """Number of successes in `n` trials of probability `p`, as float32; by inversion of one uniform draw."""
    if n == 1:
        return bernoulli_of(bits, p)
    unit = np.float64(bits >> _U32(8)) * 2.0**-24
    chance = np.float64(np.float32(p))
    if chance <= 0.0:
        return np.float32(0.0)
    if chance >= 1.0:
        return np.float32(n)
    # In logarithms: (1 - p)ⁿ itself is 0 for large n.
    failure = math.log1p(-chance)
    mass = n * failure
    total = math.exp(mass)
    successes = 0
    while unit >= total and successes < n:
        mass += math.log((n - successes) / (successes + 1.0)) + math.log(chance) - failure
        successes += 1
        total += math.exp(mass)
    return np.float32(successes)


@device
def uniform(neuron: Any, position: Any, step: Any, draw: Any, k0: Any, k1: Any, a: Any, b: Any) -> Any:
    """One draw from [a, b), as float32."""
    return uniform_of(word(neuron, position, step, draw, k0, k1), a, b)


@device
def normal(neuron: Any, position: Any, step: Any, draw: Any, k0: Any, k1: Any, mu: Any, sigma: Any) -> Any:
    """A float32 from the normal distribution (Box-Muller on two words, in float64)."""
    first = word(neuron, position, step, draw, k0, k1)
    second = word(neuron, position, step, _U32(draw) | _U32(_SECOND), k0, k1)
    radius = math.sqrt(-2.0 * math.log((np.float64(first) + 1.0) * 2.0**-32))
    angle = 2.0 * math.pi * np.float64(second) * 2.0**-32
    return np.float32(np.float64(mu) + np.float64(sigma) * radius * math.cos(angle))
