"""Collectives: operations in which all members of a group take part."""

from .operations import Collectives
from .phases import Phases
from .reduction import tree_reduce

__all__ = ["Collectives", "Phases", "tree_reduce"]
