"""A network at work.

engine.py      `Engine` on kernels and BLAS                        warm.py      compiled before the work begins
stage.py       one layer and its values                            passes.py    forward and backward through all
pushes.py      from factors and deltas to D                        draws.py     what random numbers are counted by
sinks.py       where pushes go                                     states.py    what neurons keep
applying.py    the step of a range of the flat array
submodel.py    what a mask drops is not computed                   through.py   before receivers that sum no weights
parts.py       `PartEngine`: the weights are elsewhere             runs.py      examples that share synapses' draws
"""
