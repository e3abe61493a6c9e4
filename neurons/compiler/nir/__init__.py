"""The representation between a user's source and the emitted kernels, and what is asked of it everywhere.

expressions.py, statements.py   the nodes
trees.py       walked, searched, printed
types.py       what is an integer, what a float          varying.py    what a value varies over
algebra.py     sums and products simplified              prune.py      folding; without what nobody needs
continuing.py  bodies without ``continue``
liveness.py    what a body needs of the values before it  copies.py     what inlining leaves behind
intrinsics.py  the functions of Python, math and NumPy   evaluate.py   the value of what is one number for the layer
"""
