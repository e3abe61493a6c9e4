"""Collectives: operations in which all members of a group take part."""

from .exchanges import allgather
from .operations import Collectives
from .phases import Phases
from .tree import tree_reduce

__all__ = ["Collectives", "Phases", "allgather", "tree_reduce"]
