"""Optimizers: what becomes of the descent direction that neurons push. See `base` for the two kinds."""

from .adagrad import AdaGrad
from .adam import Adam
from .adamw import AdamW
from .base import Minimizer, Objective, Optimizer, Stretch
from .conjugate_gradients import ConjugateGradients
from .gradient_descent import GradientDescent
from .lbfgs import LBFGS
from .nesterov import Nesterov
from .rmsprop import RMSProp
from .sgd import SGD

__all__ = [
    "LBFGS",
    "SGD",
    "AdaGrad",
    "Adam",
    "AdamW",
    "ConjugateGradients",
    "GradientDescent",
    "Minimizer",
    "Nesterov",
    "Objective",
    "Optimizer",
    "RMSProp",
    "Stretch",
]
