"""From a user's neuron to kernels: capture, NIR, classification of the message loops, emission, cache, execution.

source.py    the user's functions as syntax trees, with their names resolved
lower.py     syntax tree → NIR, everything inlined            (expressions.py, exits.py)
nir.py       the representation                                (types.py: what is an integer, what a float)
analysis.py  one neuron class understood: its methods in NIR, its message loops classified
algebra.py, loops.py, once.py, prune.py, drops.py             the questions the analysis asks
emit.py      NIR → the text of a Python module of numba kernels
cache.py     module text → a file named by its content, imported
engine.py    the kernels and BLAS, run on a network           (gemm.py, buffers.py, submodel.py, update.py)
"""
