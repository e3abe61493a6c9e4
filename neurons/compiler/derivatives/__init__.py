"""The derivatives that a `forward` defines, as NIR.

dataflow.py, flattening.py   a method as values that are named once, loops as recurrences
derivative.py  the derivative of an expression              adjoint.py   one reverse sweep through a dataflow
inner.py       loops that are no message loops            tangents.py   their derivatives, forwards along with them
derive.py      the derivatives of a class by its messages   complete.py  a `backward` that was left out
outside.py     what is the same for all messages, computed once
execute.py     NIR run in Python for one neuron, for the interpreter
"""
