"""The interpreter: runs the user's methods literally, one call per neuron and example.

It is the meaning of a neuron class, the oracle of the compiler's tests, and the debugger: a breakpoint in `forward`
works. It relies on nothing but Python and NumPy, and on the random numbers that compiled code draws as well.

- `messages`: what a neuron receives, as objects;
- `copies`, `ieee`, `numbers`: the user's code, computing in float32 throughout, as compiled code does (or in float64);
- `whole`, `rewriting`: its whole numbers and truth values, likewise;
- `executable`: the class that a layer's neurons are made of;
- `draws`: random numbers, counted for each run of a method;
- `synapses`: the weights between two layers, and what is pushed over them;
- `keeping`: what neurons and synapses keep from batch to batch;
- `derived`: the derivatives that a receiver's `forward` defines, where its messages are no products;
- `runs`: the other side of `feedforward`, `push`, `backpropagate`, while a method runs;
- `example`: one example on its way through the layers, forth and back;
- `making`: a network made ready for that;
- `normalizing`: interlayer functions;
- `split`: the part of a push that does not depend on the example;
- `steps`: from pushes to D and to the step; the score;
- `blame`: the user's line, for errors;
- `interpreter`: the engine.
"""

from .interpreter import Interpreter

__all__ = ["Interpreter"]
