"""From NIR to the text of a Python module of numba kernels, and to machine code.

modules.py, headers.py     which kernels a layer needs, and their module; costs.py   those of a cost
cache.py       text → a file named by its content
methods.py, crossing.py    the kernels that a method becomes, and what goes from one to the next
writer.py, spelling.py, signatures.py, drawing.py, emitted.py      one kernel over neurons and examples
tiles.py       a message loop for many neurons at once
sums.py, pushing.py        what matrix products take and give
sweeps.py, sweeping.py, lanes.py    derivatives that are no products
hazards.py     what only a run can tell
"""
