"""One replica of a network, divided over several tasks: model parallelism, arrays in, arrays out.

The neurons of every layer are split among the tasks, contiguously and evenly. A task holds the weights INTO its own
neurons, and what they and these synapses keep; it computes its own neurons and nothing else, and exchanges with the
others what they need of them: outputs on the way forward, sums and factors on the way back. All tasks call the same
methods of their engines in the same order, with the same batches; what they compute is what one engine would, to
rounding.

- `exchange`: what a task asks of whoever carries data between tasks;
- `share`: which task holds what, and where it lies in its flat array;
- `meeting`: outputs, sums and weights, from the tasks that have them to those that need them;
- `engine`: the contract of a task's engine, and its two kinds by name;
- `layer`: one layer's neurons of one task, compiled, at work;
- `ways`, `products`, `rows`: how a layer's `backward` comes to what its receivers know, and its push to the weights;
- `passes`, `compiled`: forward and backward through all layers; the compiled engine;
- `interpreted`: the interpreter.
"""
