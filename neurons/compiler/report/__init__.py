"""What became of a class and of a network, and how long it takes.

explain.py, explanation.py   what was compiled to what, and why not better
plan.py        what a step consists of: a step in which nothing is computed
profiling.py, machine.py     how long the parts of a step take, and what could be expected of this machine
columns.py     tables
"""
