"""Costs: what a network minimises. A member is one scalar term per output unit and its slope."""

from .base import Cost, as_cost
from .categorical_cross_entropy import CategoricalCrossEntropy
from .cross_entropy import CrossEntropy
from .squared_error import SquaredError

__all__ = ["CategoricalCrossEntropy", "Cost", "CrossEntropy", "SquaredError", "as_cost"]
