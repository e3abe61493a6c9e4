"""The arguments of an emitted kernel: what its text mentions; where the fields of a message are in them.

All are optional but for the scalars at the end; b examples, n neurons, r receivers:

    S (b, n)       Σ input · weight over the incoming messages, or the one message of a layer that is fed one to one
    G (b, n)       Σ delta · weight over the backward messages, or the one message's delta
    H (b, 1)       the sum of the bias sender's backward messages, where its receivers give it
    S1, G1, …      other sums over the messages: (b, n), (b,) or (n,); see `sums`
    O (b, 1 + n)   outputs; column 0 is the bias sender's 1
    B (b, n)       deltas, written by backward
    A, A1, … (b, 1 + n)   factors of the push; see `pushing`
    L (b, n)       slopes of the activation where forward applied it
    K_x (b, n)     what forward leaves in self.x
    T_x (n,)       what neurons keep in self.x from batch to batch; of a synapse's m.x T_x (senders, r), its changes
                   U_x (senders, r) and their factors F_x (b,); I_x, the initial value, where there are no weights
    X, W           the senders' outputs (b, senders) and the weights (senders, n), where a forward loop is kept
    M (senders, n) random words of the synapses, where they draw
    D, W, P, U     the receivers' deltas (b, r), weights, previous changes and updates (senders, r), where a backward
                   loop is kept
    C_x (b, n)     locals that pass from one phase of a method to another (CF_x, CI_x, CB_x by their types)
    R (draws, …)   scratch for the random words of the draws that every neuron makes
    ids (n,)       network-wide ids of the neurons; ids[i] - first - 1 is self.index
    incoming, outgoing  number of messages of forward, of backward
    foremost       index of the receiver that column 0 of D belongs to: a task of a divided network has some of them
    status (3,)    what went wrong: a code of `hazards`, with the numbers that were seen
    c_x            arrays of the user's

The kernels of a layer's bias sender have n = 1 and column 0 for their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..nir.expressions import Expr, Hyper
from ..nir.trees import subexpressions

#: Arrays that may be arguments.
ARRAYS = ("S", "G", "H", "O", "B", "L", "X", "W", "M", "D", "P", "U", "status")
#: Arrays that are named for an attribute of the neuron or of a message.
NAMED = re.compile(r"(?<![\w.])[FIKTU]_\w+")
#: Numbers that every kernel can have.
SCALARS = (
    "first", "bias", "share", "nested", "step", "k0", "k1", "learning_rate", "momentum", "iteration", "layer",
    "incoming", "outgoing", "foremost",
)  # fmt: skip
#: Where the fields of a message are found.
FIELDS = {
    ("forward", "dense"): {
        "input": "X[e, s]", "weight": "W[s, i]", "is_bias": "(s < bias)", "sender": "(int64(s) - bias)",
        "drawn": "M[s, i]",
    },
    ("forward", "single"): {"input": "S[e, i]", "weight": "ONE", "is_bias": "False", "sender": "index"},
    ("backward", "dense"): {
        "delta": "D[e, s]", "weight": "W[row, s]", "prev_weight": "P[row, s]", "receiver": "int64(s)",
        "input_gradient": "(D[e, s] * W[row, s])", "weight_gradient": "(out * D[e, s])",
    },
    ("through", "single"): {
        "delta": "B[e, i]", "input": "S[e, i]", "weight": "ONE", "is_bias": "False", "sender": "index",
    },
    ("backward", "single"): {
        "delta": "G[e, i]", "weight": "ONE", "prev_weight": "ZERO", "receiver": "index",
        "input_gradient": "G[e, i]", "weight_gradient": "(out * G[e, i])",
    },
}  # fmt: skip
#: How many messages there are.
LENGTH = {("forward", "dense"): "X.shape[1]", ("backward", "dense"): "D.shape[1]"}


def mentioned(text: str, names: Iterable[str]) -> list[str]:
    """Those of the names that a text mentions, in their order."""
    return [name for name in names if re.search(rf"(?<![\w.]){name}(?!\w)", text)]


def hypers(*expressions: Expr) -> list[str]:
    """The arguments for the hyperparameters in expressions."""
    parts = (part for expression in expressions for part in subexpressions(expression))
    return sorted({f"h_{part.name}" for part in parts if isinstance(part, Hyper)})
