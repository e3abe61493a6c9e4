"""Learning rules and other neurons, written as a user would: what the language of one neuron can say."""

from .forward_forward import GoodnessNeuron, GoodnessSender, HiddenGoodness, Polarity
from .gated import GatedNeuron
from .hebb import HebbNeuron
from .maxout import MaxoutNeuron
from .node_perturbation import PerturbedNeuron, PerturbedOutput
from .oja import OjaNeuron
from .perceptron import Perceptron, Threshold
from .rbf import RBFNeuron
from .sanger import SangerNeuron
from .spiking import SpikingNeuron

__all__ = [
    "GatedNeuron",
    "GoodnessNeuron",
    "GoodnessSender",
    "HebbNeuron",
    "HiddenGoodness",
    "MaxoutNeuron",
    "OjaNeuron",
    "Perceptron",
    "PerturbedNeuron",
    "PerturbedOutput",
    "Polarity",
    "RBFNeuron",
    "SangerNeuron",
    "SpikingNeuron",
    "Threshold",
]
