"""Horn: neuron-centric training of neural networks in parallel."""
