"""From a user's neuron to kernels: capture, NIR, classification of the message loops, emission, cache, execution.

source.py    the user's functions as syntax trees, with their names resolved
subject.py   the class: its attributes as Python would find them
lower.py     syntax tree → NIR: functions and statements, everything that they call inlined
expressions.py, names.py, calls.py, assignments.py, iteration.py, messages.py: the parts of a statement
frames.py, binding.py, exits.py, values.py: where the lowering stands, what a name denotes
cures.py     what the language has no word for, and what to write instead
nir.py       the representation
trees.py: walked and printed; types.py: what is an integer, what a float; varying.py: what a value varies over
analysis.py  one neuron class understood: its methods in NIR, its message loops classified
hoist.py, loops.py, guards.py, terms.py, sides.py, algebra.py: which loops are sums of products     (reports.py)
pushes.py, receivers.py, assigned.py, once.py, prune.py, drops.py: the other questions that it asks
keeping.py   what a class keeps from batch to batch, in its methods   (states.py: while kernels run)
tables.py    arrays from outside that a neuron reads items of
dataflow.py, flattening.py, derivative.py, adjoint.py, derive.py: the derivatives that a `forward` defines
complete.py  a `backward` that was left out      (execute.py: NIR run in Python, for the interpreter)
chances.py   the probabilities that a layer's numbers decide
hazards.py   what only a run can tell
compatibility.py: which layers can be trained one before the other
modules.py   NIR → the text of a Python module of numba kernels
writer.py, spelling.py, signatures.py, drawing.py, emitted.py: one kernel; sums.py, pushing.py: what products take
phases.py, straight.py, liveness.py: a method cut at the message loops that are no products; tiles.py: their kernels
methods.py, crossing.py, transpose.py: what a method becomes, and what goes from kernel to kernel
sweeping.py, lanes.py, sweeps.py, through.py: the kernels of derivatives that are no products, and who runs them
operations.py: what a method is made of when it runs     (work.py: how much that is; watching.py: who looks on)
cache.py     module text → a file named by its content, imported
engine.py    the kernels and BLAS, run on a network
stage.py, passes.py, gemm.py, buffers.py, chain.py, sinks.py, weights.py, update.py, submodel.py, evaluate.py:
             its parts
plan.py      what a step consists of: a step in which nothing is computed
explain.py, explanation.py: what became of a class, of a network, and why     (columns.py)
profiling.py, machine.py: how long the parts of a step take, and what could be expected of this machine
faults.py    what numba refuses, told as an error
warm.py      compiling before the work begins
"""
