"""Distributed variables: what each member has, and all others can read and write at the ends of supersteps."""

from .answers import exchange_answers
from .base import Remote
from .coarray import Coarray
from .future import Future
from .variable import Variable

__all__ = ["Coarray", "Future", "Remote", "Variable", "exchange_answers"]
