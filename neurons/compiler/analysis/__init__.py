"""What one neuron class does.

analysis.py    the class understood: its methods in NIR, its message loops classified       reports.py   told
hoist.py, loops.py, guards.py, terms.py, products.py, choices.py, sides.py   which loops are sums of products
phases.py, straight.py   methods cut at the loops that are none
pushes.py, receivers.py  how updates are formed; what the receivers decide of it
once.py        how often something is said                   drops.py     which draw takes a neuron out of a batch
chances.py     probabilities that a layer's numbers decide   compatibility.py   which layers can be trained in turn
"""
