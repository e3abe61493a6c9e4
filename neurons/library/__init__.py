"""Learning rules and other neurons, written as a user would: what the language of one neuron can say."""

from .forward_forward import GoodnessNeuron, GoodnessSender, HiddenGoodness, Polarity
from .hebb import HebbNeuron
from .node_perturbation import PerturbedNeuron, PerturbedOutput
from .oja import OjaNeuron
from .perceptron import Perceptron, Threshold
from .sanger import SangerNeuron
from .spiking import SpikingNeuron

__all__ = [
    "GoodnessNeuron",
    "GoodnessSender",
    "HebbNeuron",
    "HiddenGoodness",
    "OjaNeuron",
    "Perceptron",
    "PerturbedNeuron",
    "PerturbedOutput",
    "Polarity",
    "SangerNeuron",
    "SpikingNeuron",
    "Threshold",
]
