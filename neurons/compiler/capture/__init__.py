"""From a user's class to NIR.

subject.py     the class: its attributes as Python would find them       source.py    functions as syntax trees
lower.py       functions and statements, everything that they call inlined
expressions.py, names.py, calls.py, assignments.py, iteration.py, messages.py: the parts of a statement
frames.py, binding.py, exits.py, values.py: where the lowering stands, what a name denotes
keeping.py     what a class keeps from batch to batch                    tables.py    arrays from outside
assigned.py    what some path leaves unset                               cures.py     what the language has no word for
"""
