"""From a user's neuron to machine code.

Each room uses those above it and none below:

nir/          the representation: expressions and statements; walked, printed, folded, evaluated; types and index sets
operations/   what a step consists of while it runs: kernels, matrix products, passes; how much each of them does
capture/      the user's class → NIR: source, names, control flow, everything that its methods call
derivatives/  what a `forward` defines of its derivatives; a `backward` that was left out
analysis/     what a class does: which message loops are matrix products, which run in lanes; pushes, drops, once-ness
emission/     NIR → the text of a Python module of numba kernels → machine code, cached by content
execution/    a network at work: stages, passes, sinks, sub-models, states; the engine
report/       explain() and profile()
"""
