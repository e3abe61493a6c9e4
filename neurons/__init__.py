"""Neurons: the language of one neuron, and what executes networks of them, arrays in, arrays out."""

import importlib
from typing import TYPE_CHECKING

from .activations import GELU, Activation, Identity, ReLU, Sigmoid, Softmax, Tanh
from .costs import CategoricalCrossEntropy, Cost, CrossEntropy, SquaredError
from .divided.engine import DividedEngine, divided_engine_named
from .divided.exchange import Exchange
from .divided.share import Share, divide
from .drop_connect import DropConnectNeuron
from .dropout import DropoutNeuron
from .engine import Batch, Engine, PartEngine, Rates, Score
from .errors import NeuronError
from .interlayer import FunctionInterlayer, Interlayer
from .neuron import Neuron
from .spec import Block, Dense, Layer, NetworkSpec, StateBlock
from .standard import StandardNeuron
from .state import State, SynapseState

__all__ = [
    "GELU",
    "Activation",
    "BackwardReport",
    "Batch",
    "Block",
    "CategoricalCrossEntropy",
    "ClassExplanation",
    "Compiled",
    "Cost",
    "CrossEntropy",
    "Dense",
    "DividedEngine",
    "DropConnectNeuron",
    "DropoutNeuron",
    "Engine",
    "Exchange",
    "Explanation",
    "FunctionInterlayer",
    "Identity",
    "Interlayer",
    "Interpreter",
    "Layer",
    "NetworkSpec",
    "Neuron",
    "NeuronError",
    "Part",
    "PartEngine",
    "Profile",
    "Rates",
    "ReLU",
    "Score",
    "Share",
    "Sigmoid",
    "Softmax",
    "SquaredError",
    "StandardNeuron",
    "State",
    "StateBlock",
    "SynapseState",
    "Tanh",
    "check_backward",
    "check_training",
    "divide",
    "divided_engine_named",
    "draws_masks",
    "engine_named",
    "explain",
    "explain_network",
    "is_weighted_sum",
    "profile_network",
]

if TYPE_CHECKING:
    from .checking import BackwardReport, check_backward
    from .compiler.analysis.compatibility import check_training, is_weighted_sum
    from .compiler.analysis.masks import draws_masks
    from .compiler.execution.engine import Compiled
    from .compiler.report.explain import explain, explain_network
    from .compiler.report.explanation import ClassExplanation, Explanation
    from .compiler.report.profiling import Profile, profile_network
    from .engines import engine_named
    from .interpreter import Interpreter
    from .part import Part
else:
    _LATER = {
        "BackwardReport": "checking",
        "ClassExplanation": "compiler.report.explanation",
        "Compiled": "compiler.execution.engine",
        "Explanation": "compiler.report.explanation",
        "Interpreter": "interpreter",
        "Part": "part",
        "Profile": "compiler.report.profiling",
        "check_backward": "checking",
        "check_training": "compiler.analysis.compatibility",
        "draws_masks": "compiler.analysis.masks",
        "engine_named": "engines",
        "explain": "compiler.report.explain",
        "explain_network": "compiler.report.explain",
        "is_weighted_sum": "compiler.analysis.compatibility",
        "profile_network": "compiler.report.profiling",
    }

    def __getattr__(name: str) -> object:
        """Import an engine when it is first asked for: numba, on which it rests, takes a quarter of a second."""
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f".{_LATER[name]}", __name__), name)
